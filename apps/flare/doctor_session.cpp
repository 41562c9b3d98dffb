// The doctor's last steps: a session as every client makes it, one message there and back, and the clocks.
#include "examination.hpp"
#include "phrases.hpp"
#include "token_claims.hpp"

#include <condition_variable>
#include <mutex>
#include <optional>

namespace flare::cli {
namespace {

using std::chrono::duration_cast;
using std::chrono::milliseconds;
using std::chrono::system_clock;

constexpr milliseconds kClockWarning{5'000};
constexpr milliseconds kClockProblem{60'000};  // what JWT verification allows by default

// The answer of the server's handler to the one message that is sent.
class Answer {
public:
    void operator()(const Event& event) {
        const auto* const received = std::get_if<event::MessageReceived>(&event);
        if (received == nullptr || received->message.from != kServerTarget) return;
        const std::lock_guard lock(mutex_);
        message_ = received->message;
        at_ = system_clock::now();
        came_.notify_one();
    }
    std::optional<Message> wait(milliseconds limit) {
        std::unique_lock lock(mutex_);
        came_.wait_for(lock, limit, [this] { return message_.has_value(); });
        return message_;
    }
    system_clock::time_point at() const { return at_; }

private:
    std::mutex mutex_;
    std::condition_variable came_;
    std::optional<Message> message_;
    system_clock::time_point at_{};
};

Check session_problem(const ClientOptions& options, const Failure& failure) {
    const bool said_by_library = failure.text == explain(failure.code);
    const std::string text = said_by_library ? failure.text.substr(0, failure.text.rfind("; ")) : failure.text;
    const bool no_token = token_or_none(options).empty();
    if (failure.code == errc::unauthenticated && no_token) {
        return problem("session", name(failure.code), text + " (no token was given)",
                       "the server requires a token: give --token-file FILE or set FLARE_TOKEN");
    }
    return problem("session", name(failure.code), text, advice_for(failure.code));
}

void examine_echo(Examination& e, Client& client, Answer& answer) {
    const auto sent_at = system_clock::now();
    const SendResult sent = client.send_message(std::string(kServerTarget), Message("flare-doctor", Bytes("echo")));
    if (!sent.success) {
        const bool handler = sent.error == errc::handler_failed;
        Check check = problem("echo", name(sent.error), "a message to the server failed: " + sent.error_message,
                              advice_for(sent.error));
        // The server's application may refuse a message of a type that it does not know.
        if (handler || sent.error == errc::forbidden) check.verdict = Verdict::warning;
        e.report.add(std::move(check));
        return;
    }
    const auto reply = answer.wait(milliseconds(1000));
    if (!reply) {
        e.report.add(fine("echo", "a message was acknowledged in " + time_text(sent.latency) +
                                      "; the server's application sent no reply, which is fine"));
        return;
    }
    e.report.add(fine("echo", "a message and its reply took " + time_text(answer.at() - sent_at)));
    if (e.url.protocol != Protocol::quic || reply->timestamp == system_clock::time_point{}) return;
    // The server has written its time somewhere between the message and its answer.
    const auto half = (answer.at() - sent_at) / 2;
    e.report.add(clock_check(duration_cast<milliseconds>(reply->timestamp - (sent_at + half)),
                             duration_cast<milliseconds>(half) + milliseconds(1)));
}

// What a receipt that says `stored` is worth there.
void examine_store(Examination& e, Durability durability) {
    switch (durability) {
        case Durability::commit: return e.report.add(fine("store", "a message that is stored is on the server's disk"));
        case Durability::memory:
            return e.report.add(warning("store", "not_durable",
                                        "the server keeps messages in memory: they are lost when it ends",
                                        "for anything but tests, let the server keep them in a file (--store FILE)"));
        case Durability::none: break;
    }
    e.report.add(skipped("store", "the server keeps no messages: they reach only who is connected"));
}

}  // namespace

Check clock_check(milliseconds ahead, milliseconds doubt) {
    const milliseconds off = ahead.count() < 0 ? -ahead : ahead;
    if (off <= doubt || off < kClockWarning)
        return fine("clock", "the server's clock agrees with this one, to within " + time_text(std::max(off, doubt)));
    const std::string text = "the server's clock is " + span_text(duration_cast<std::chrono::seconds>(off)) +
                             (ahead.count() > 0 ? " ahead of" : " behind") + " this machine's";
    const std::string advice =
        "synchronize both clocks with NTP: the validity of certificates and tokens depends on them";
    return off < kClockProblem ? warning("clock", "clock_differs", text, advice)
                               : problem("clock", "clock_differs", text, advice);
}

Check lessened(Check fault) {
    fault.verdict = Verdict::warning;
    fault.advice =
        "clients fall back to the other address, and lose up to 250 ms on this one: make the server listen here too, "
        "or remove this address from DNS";
    return fault;
}

void examine_token(Report& report, const ClientOptions& options) {
    const auto token = token_of(options);
    if (!token)
        return report.add(
            problem("token", name(token.error().code), token.error().text, advice_for(token.error().code)));
    if (token->empty()) return report.add(skipped("token", "no token given"));
    const auto claims = claims_of(*token);
    if (!claims) return report.add(skipped("token", "it is not a JWT: only the server can tell whether it is valid"));
    for (const std::string& fault : time_faults(*token))
        return report.add(problem("token", "unauthenticated", fault, "have the issuer of the tokens fix that"));
    const auto now = std::chrono::time_point_cast<std::chrono::seconds>(system_clock::now());
    const auto at = [](std::int64_t seconds) {
        return std::chrono::time_point<system_clock, std::chrono::seconds>(std::chrono::seconds(seconds));
    };
    if (claims->expires && at(*claims->expires) <= now) {
        return report.add(problem("token", "token_expired",
                                  "the token expired " + span_text(now - at(*claims->expires)) + " ago, at " +
                                      date_text(at(*claims->expires)),
                                  "get a new token; if it should still be valid, check this machine's clock"));
    }
    if (claims->not_before && at(*claims->not_before) > now) {
        return report.add(problem("token", "token_not_yet_valid",
                                  "the token is not valid before " + date_text(at(*claims->not_before)),
                                  "check the clocks of this machine and of the issuer"));
    }
    if (!options.user.empty() && !claims->subject.empty() && claims->subject != options.user) {
        return report.add(
            problem("token", "user_mismatch",
                    "the token is for the user '" + claims->subject + "', and --user says '" + options.user + "'",
                    "omit --user, or use the token of that user"));
    }
    report.add(fine(
        "token", "a JWT" + (claims->subject.empty() ? "" : " for " + claims->subject) +
                     (claims->expires ? ", valid for " + span_text(at(*claims->expires) - now) : ", without expiry")));
}

void examine_session(Examination& e, bool echo) {
    ClientOptions alone = e.options;
    alone.urls = {e.url.text};
    alone.protocol = "auto";
    Answer answer;
    auto builder = builder_of(alone);
    if (!builder) return e.report.add(session_problem(alone, builder.error()));
    builder->auto_reconnect(false).with_event_callback(std::ref(answer));
    auto client = builder->build();
    if (!client) return e.report.add(session_problem(alone, client.error()));
    const auto connected = client->connect();
    if (!connected) return e.report.add(session_problem(alone, connected.error()));
    const ConnectionStats stats = client->get_connection_stats();
    e.report.add(fine("session", "as " + user_of(alone) + " in " + time_text(stats.connection_time) +
                                     (stats.sealed ? ", sealed" : "")));
    examine_store(e, stats.durability);
    if (echo) examine_echo(e, *client, answer);
    client->disconnect();
}

}  // namespace flare::cli
