// A client whose server has no room for the messages and the changes of a conversation, for the tests of what waits:
// docs/conversations.md, "Later".
#pragma once

#include "session/client_requests.hpp"
#include "support.hpp"

#include <map>
#include <set>
#include <string>
#include <vector>

namespace flare::session::test {

// A server that stores `rate` messages a second and `burst` at once, and says "later" to everything that comes behind a
// message that it has put off, until that one comes again.
class RoomServer {
public:
    RoomServer(Bench& bench, Rate rate) : bench_(bench), rate_(rate) {
        bench.server.answers = false;
        bench.server.into_a_log = true;
    }
    // Answers all that has come.
    void serve() {
        for (; next_ < bench_.server.handlings.size(); ++next_) {
            const PendingMessage& pending = bench_.server.handlings[next_];
            const std::string& text = bench_.server.texts[next_];
            if (held_ && *held_ != pending.message_id) {
                later(pending);
                continue;
            }
            held_.reset();
            if (bucket_.wait(rate_, 1, bench_.now()) > std::chrono::nanoseconds(0)) {
                held_ = pending.message_id;
                later(pending);
                continue;
            }
            bucket_.take(rate_, 1, bench_.now());
            log.push_back(text);
            bench_.server.table.finish(pending, {wire::ReceiptStatus::stored, errc::ok, {}, 0, {{7, log.size()}, 1}},
                                       nullptr, bench_.now());
        }
    }
    // Time passes, a step of 1 ms after the other.
    void live(Duration by) {
        for (const TimePoint end = bench_.now() + by; bench_.now() < end;) {
            bench_.live(1ms, 1ms);
            serve();
            bench_.exchange();
            bench_.client.session.check_invariants();
        }
    }

    std::vector<std::string> log;
    errc code = errc::rate_limited;

private:
    void later(const PendingMessage& pending) {
        const auto wait = std::chrono::ceil<std::chrono::milliseconds>(bucket_.wait(rate_, 1, bench_.now()));
        const auto ms = static_cast<std::uint32_t>(std::max<std::int64_t>(1, wait.count()));
        bench_.server.table.finish(pending, {wire::ReceiptStatus::refused, code, "later", ms}, nullptr, bench_.now());
    }

    Bench& bench_;
    const Rate rate_;
    Bucket bucket_{};
    std::optional<Uuid> held_;
    std::size_t next_ = 0;
};

class Later : public ::testing::Test {
protected:
    static ClientSettings asking() {
        ClientSettings settings = Bench::client_settings();
        settings.conversations = true;
        settings.send_timeout = 20s;
        return settings;
    }
    Later() : bench({}, asking()) {
        bench.server.table.offer(nullptr, true);
        bench.connect(1);
    }
    ~Later() override {
        bench.client.session.check_invariants();
        (void)bench.server.table.check_invariants();
    }
    static Uuid numbered_id(std::size_t number) {
        Uuid id = id_of(1);
        id.bytes[14] = static_cast<std::uint8_t>(number >> 8);
        id.bytes[15] = static_cast<std::uint8_t>(number);
        return id;
    }
    void post(std::size_t number, std::string_view to = "room:tea") {
        const std::string text = std::to_string(number);
        wire::MessageView message = message_of(1, text, to);
        message.id = numbered_id(number);
        ASSERT_TRUE(bench.client.session.send(message, Priority::normal, bench.now()));
    }
    static std::vector<std::string> upto(std::size_t count) {
        std::vector<std::string> all;
        for (std::size_t i = 0; i < count; ++i) all.push_back(std::to_string(i));
        return all;
    }
    Result<void> ask(std::uint8_t number, wire::Verb verb, std::string_view conversation = "room:tea") {
        wire::RequestView request;
        request.id = id_of(number);
        request.verb = verb;
        request.body = "body";
        return bench.client.session.request(request, conversation, bench.now());
    }
    void respond(std::size_t which, errc code, std::uint32_t retry_after_ms = 0) {
        wire::ResponseView response;
        response.code = code;
        response.retry_after_ms = retry_after_ms;
        (void)bench.server.table.respond(bench.server.requests.at(which).pending, response, bench.now());
        bench.exchange();
        bench.client.session.check_invariants();
    }
    // The server's answer to the n-th message that it was given.
    void answer_later(std::size_t which, errc code, std::uint32_t retry_after_ms) {
        const Receipt later{wire::ReceiptStatus::refused, code, "later", retry_after_ms};
        bench.server.table.finish(bench.server.handlings.at(which), later, nullptr, bench.now());
    }
    // Answers what has come since `from`.
    void refuse_all(std::size_t& from, errc code, std::uint32_t retry_after_ms) {
        for (; from < bench.server.handlings.size(); ++from) answer_later(from, code, retry_after_ms);
    }
    void store(std::size_t which) {
        bench.server.table.finish(bench.server.handlings.at(which),
                                  {wire::ReceiptStatus::stored, errc::ok, {}, 0, {{7, which + 1}, 1}}, nullptr,
                                  bench.now());
    }
    // The session ends, so that the next carrier brings another one.
    void lose_session() {
        bench.server.table.end(bench.session(), errc::kicked, "out", 0, bench.now());
        bench.live(100ms);
    }
    // What the client sends now, in order: the numbers of messages, and "change" and "read".
    std::vector<std::string> sent_now(CarrierKey key = 1) {
        std::vector<std::string> sent;
        const std::string up = bench.from_client(key);
        for (const wire::FrameView& frame : frames_of(up)) {
            if (frame.kind == wire::FrameKind::data)
                sent.emplace_back(wire::decode_data(frame.body).value().message->payload);
            if (frame.kind == wire::FrameKind::request)
                sent.emplace_back(wire::writes(wire::decode_request(frame.body).value().verb) ? "change" : "read");
        }
        (void)bench.to_server(key, up);
        bench.client.session.check_invariants();
        return sent;
    }
    std::vector<std::string> sent_after(Duration time) {
        bench.pass(time);
        bench.client.session.on_time(bench.now());
        return sent_now();
    }
    using Sent = std::vector<std::string>;
    Bench bench;
};

}  // namespace flare::session::test
