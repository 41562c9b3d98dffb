#include "server/conversations/application_calls.hpp"

#include "server/conversations/content_hash.hpp"
#include "server/conversations/people.hpp"
#include "server/worker/shard.hpp"

#include <boost/container/flat_map.hpp>

#include <algorithm>
#include <optional>
#include <string_view>
#include <utility>

namespace flare::server {
namespace {

using Text = ApplicationText;
using Change = ApplicationChange;

// What the application asks together is to homes as if a session sent it: no session of a user has such a number.
constexpr std::uint64_t kNoSession = std::uint64_t{1} << 47;

std::size_t bytes_of(const ApplicationCall& call) {
    if (const Text* const text = std::get_if<Text>(&call.what)) return text->message.payload.size();
    std::size_t bytes = 0;
    for (const std::string& user : std::get<Change>(call.what).users) bytes += user.size();
    return bytes;
}

std::uint8_t flags_of(const Text& text) noexcept {
    if (text.kind == model::EntryKind::reaction) return text.takes_back ? model::kTakenBack : 0;
    return static_cast<std::uint8_t>((text.message.silent ? model::kSilent : 0) |
                                     (text.message.mentions_all ? model::kMentionAll : 0));
}

std::uint64_t ref_of(const Text& text) noexcept {
    return text.kind == model::EntryKind::message ? text.message.reply_to : text.offset;
}

std::uint32_t content_of(const Text& text) noexcept {
    return ContentHash()
        .add(static_cast<std::uint8_t>(text.kind))
        .add(text.message.type)
        .add(ref_of(text))
        .add(flags_of(text))
        .add(static_cast<std::uint64_t>(text.message.payload.size()))
        .value();
}

errc code_of_failure(const std::error_code& error) noexcept { return static_cast<errc>(error.value()); }

}  // namespace

// Calls that were made together. Who waits for their answers keeps it: it goes when the last one has come.
class ApplicationCalls::Job final : public Awaited::Caller {
public:
    using Rows = boost::container::flat_map<std::string, im::Row, std::less<>>;

    Job(std::vector<ApplicationCall> calls_, im::SessionKey session_, Done done)
        : calls(std::move(calls_)),
          session(session_),
          people(calls.size()),
          conversations(calls.size()),
          no_room(calls.size()),
          answers_(calls.size()),
          answered_(calls.size()),
          missing_(calls.size()),
          done_(std::move(done)) {
        for (std::size_t i = 0; i < calls.size(); ++i)
            answers_[i] = {.session = session, .id = calls[i].id, .code = errc::shutting_down};
    }
    ~Job() override {
        if (done_) done_(answers_);
    }
    Job(const Job&) = delete;
    Job& operator=(const Job&) = delete;

    void answered(std::size_t call, const im::effect::Answer& answer) override {
        answers_[call] = answer;
        answered_[call] = true;
        put_off = put_off || im::is_later(answer.code);
        if (--missing_ != 0) return;
        if (when_done) std::exchange(when_done, {})();
        std::exchange(done_, {})(answers_);
    }
    bool waits(std::size_t call) const { return !answered_[call]; }

    // It is about a user who is not known, and is not to be made known.
    bool names_nobody(std::size_t number) const {
        const Change* const change = std::get_if<Change>(&calls[number].what);
        return change != nullptr && no_room[number] == errc::ok &&
               std::ranges::any_of(change->users, [this](const std::string& user) { return row_of(user) == 0; });
    }
    // What goes to the home of this call's conversation. Once.
    Departure departure_of(std::size_t number);
    im::Row row_of(std::string_view user) const {
        const auto found = rows.find(user);
        return found == rows.end() ? 0 : found->second;
    }
    // Whom the calls name, but the server. `made`: who is made known if nobody knows them.
    void name_users() {
        for (const ApplicationCall& call : calls) {
            if (!call.actor.empty()) made.emplace(call.actor, 0);
            if (const Change* const change = std::get_if<Change>(&call.what)) {
                for (const std::string& user : change->users) (change->makes_users ? made : rows).emplace(user, 0);
            } else {
                for (const std::string& user : std::get<Text>(call.what).message.mentions) rows.emplace(user, 0);
            }
            if (call.key.kind() != model::ConversationKind::direct) continue;
            for (const std::string_view user : {call.key.first(), call.key.second()}) {
                if (user != kServerTarget) made.emplace(user, 0);
            }
        }
        rows.insert(made.begin(), made.end());
    }

    std::vector<ApplicationCall> calls;
    const im::SessionKey session;
    Rows rows;  // 0: not known
    Rows made;
    std::vector<std::vector<im::command::Person>> people;  // by call: Change::users
    std::vector<std::uint32_t> conversations;              // by call: of its actor
    std::vector<errc> no_room;                             // by call: it is put off in its turn, with those behind it
    bool put_off = false;
    std::function<void()> when_done{};

private:
    std::unique_ptr<Mentioned> mentioned_by(const std::string& actor, const Message& message) const;

    std::vector<im::effect::Answer> answers_;
    std::vector<bool> answered_;
    std::size_t missing_;
    Done done_;
};

Departure ApplicationCalls::Job::departure_of(std::size_t number) {
    static const auto kServer = std::make_shared<const std::string>(kServerTarget);
    ApplicationCall& call = calls[number];
    im::Send send;
    send.session = session;
    send.place = number + 1;
    send.sender = call.actor.empty() ? 0 : row_of(call.actor);
    send.unmetered = true;
    send.id = call.id;
    send.put_off = no_room[number];
    const auto from = call.actor.empty() ? kServer : std::make_shared<const std::string>(call.actor);
    if (Change* const change = std::get_if<Change>(&call.what)) {
        send.kind = model::EntryKind::membership;  // whatever it is: no message
        send.content = change->content;
        for (std::size_t i = 0; i < people[number].size(); ++i) people[number][i].user = row_of(change->users[i]);
        return {StoredMessage::make(send, call.key, from, std::string_view(), wire::Forms(wire::Body{})),
                std::make_shared<const im::Command>(change->command(conversations[number], people[number]))};
    }
    Text& text = std::get<Text>(call.what);
    const Message& message = text.message;
    send.kind = text.kind;
    send.flags = flags_of(text);
    send.ref = ref_of(text);
    send.epoch = text.epoch;
    send.content = content_of(text);
    send.size = static_cast<std::uint32_t>(message.payload.size());
    send.mentions = static_cast<std::uint32_t>(message.mentions.size());
    auto sent = StoredMessage::make(send, call.key, from, std::string_view(message.type), std::move(text.forms));
    sent->payload = message.payload;
    sent->mentioned = mentioned_by(call.actor, message);
    return {std::move(sent), nullptr};
}

// A member has a row: whoever has none is passed over.
std::unique_ptr<Mentioned> ApplicationCalls::Job::mentioned_by(const std::string& actor, const Message& message) const {
    auto mentioned = std::make_unique<Mentioned>(Mentioned{.known = true});
    for (const std::string& user : message.mentions) {
        const im::Row row = row_of(user);
        if (row == 0 || user == actor || std::ranges::find(mentioned->rows, row) != mentioned->rows.end()) continue;
        mentioned->names.push_back(user);
        mentioned->rows.push_back(row);
    }
    return mentioned->rows.empty() ? nullptr : std::move(mentioned);
}

void ApplicationCalls::take(std::vector<ApplicationCall> calls, Done done) {
    if (calls.empty()) return done({});
    const auto job =
        std::make_shared<Job>(std::move(calls), make_session_key(index_, kNoSession | ++jobs_), std::move(done));
    for (std::size_t i = 0; i < job->calls.size(); ++i) {
        const ApplicationCall& call = job->calls[i];
        const errc code = parts_.awaited.add(job->session, call.id, Awaited::Called{job, i}, bytes_of(call));
        if (code == errc::duplicate_message_id) {
            job->answered(i, {.session = job->session, .id = call.id, .code = code});
        } else {
            job->no_room[i] = code;
        }
    }
    job->name_users();
    job->rows.empty() ? send(job) : find_users(job);
}

// ---- whom they name ----

// With what a change depends on of those whom it names.
void ApplicationCalls::find_users(const JobPtr& job) {
    const im::Limits& limits = parts_.limits;
    parts_.store.read(
        [job, &limits](store::Reader& reader) {
            for (auto& [name, row] : job->rows) {
                const auto found = reader.user(name);
                if (!found) return code_of_failure(found.error());
                row = found->value_or(0);
            }
            for (std::size_t i = 0; i < job->calls.size(); ++i) {
                const ApplicationCall& call = job->calls[i];
                const Change* const change = std::get_if<Change>(&call.what);
                if (change == nullptr) continue;
                for (const std::string& user : change->users) job->people[i].emplace_back().user = job->row_of(user);
                const People people(call.actor, change->users, change->invites, limits);
                errc code = people.look_up(reader, job->people[i]);
                if (code == errc::ok) code = people.count(reader, job->row_of(call.actor), job->conversations[i]);
                if (code != errc::ok) return code;
            }
            return errc::ok;
        },
        [this, job](errc code) {
            if (code != errc::ok) return refuse_all(job, said_of(code));
            make_users(job);
        });
}

void ApplicationCalls::make_users(const JobPtr& job) {
    auto batch = std::make_unique<store::WriteBatch>();
    for (const auto& [name, row] : job->made) {
        if (job->row_of(name) == 0) batch->writes.emplace_back().what = store::NewUser{name};
    }
    if (batch->writes.empty()) return send(job);
    parts_.store.write(std::move(batch), [this, job](std::unique_ptr<store::WriteBatch> written, errc code) {
        for (const store::Write& each : written->writes) {
            if (code == errc::ok) code = each.outcome.code;
            if (code != errc::ok) return refuse_all(job, said_of(code));
            job->rows[std::get<store::NewUser>(each.what).name] = each.outcome.row;
        }
        send(job);
    });
}

void ApplicationCalls::refuse_all(const JobPtr& job, errc code) {
    for (std::size_t i = 0; i < job->calls.size(); ++i) {
        if (job->waits(i)) parts_.awaited.refuse(job->session, job->calls[i].id, code, {});
    }
}

// ---- to their homes ----

void ApplicationCalls::send(const JobPtr& job) {
    std::vector<std::vector<Departure>> leaving(parts_.router.workers());
    for (std::size_t i = 0; i < job->calls.size(); ++i) {
        if (!job->waits(i)) continue;
        if (job->names_nobody(i)) {
            parts_.awaited.refuse(job->session, job->calls[i].id, errc::unknown_target,
                                  "nobody of this name has ever been here");
            continue;
        }
        const std::uint32_t home = parts_.router.home_of(job->calls[i].key.text());
        leaving[home].push_back(job->departure_of(i));
    }
    // Homes remember whose call was put off, as they would of a session that sends it again.
    job->when_done = [this, job = job.get()] {
        if (!job->put_off) return;
        for (std::uint32_t home = 0; home < parts_.router.workers(); ++home) {
            parts_.router.give(home,
                               [key = job->session](Shard& shard) { shard.conversations()->home.session_gone(key); });
        }
    };
    for (std::uint32_t home = 0; home < leaving.size(); ++home) {
        if (leaving[home].empty()) continue;
        if (home == index_) {
            parts_.home.take(leaving[home]);
        } else {
            parts_.router.give(home, [leaving = std::move(leaving[home])](Shard& shard) {
                shard.conversations()->home.take(leaving);
            });
        }
    }
}

}  // namespace flare::server
