// A server and an application of a client's subscriptions, whose every step is written down: what a request says, and
// what is told when the application handles it.
#pragma once

#include "client/im/sync.hpp"
#include "wire/requests.hpp"

#include <gtest/gtest.h>

#include <deque>
#include <functional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace flare::client::test {

using namespace std::chrono_literals;

struct Request {
    Call call;
    AnswerDone done;

    wire::im::Subscribe subscribe() const { return wire::im::decode<wire::im::Subscribe>(call.body).value(); }
    std::string text() const {
        using wire::Verb;
        if (call.verb == Verb::sync) {
            const auto body = wire::im::decode<wire::im::Sync>(call.body).value();
            return "sync " + std::string(body.cursor.empty() ? "-" : body.cursor) + " " +
                   std::string(body.page.empty() ? "-" : body.page) + " " + std::to_string(body.limit) + "/" +
                   std::to_string(body.entries) + (body.feeds ? "" : " without feeds");
        }
        if (call.verb == Verb::read_mark || call.verb == Verb::read_unmark) {
            const auto body = wire::im::decode<wire::im::MarkRead>(call.body).value();
            return std::string(call.verb == Verb::read_mark ? "mark " : "unmark ") + std::string(body.conversation) +
                   " " + std::to_string(body.offset);
        }
        if (call.verb == Verb::unsubscribe) return "unsubscribe " + call.conversation;
        const auto body = subscribe();
        return "subscribe " + std::string(body.conversation) + " " + std::to_string(body.epoch) + ":" +
               std::to_string(body.after) + (body.complete ? " complete" : "");
    }
};

// Owner: what the client's part needs of its client.
template <typename Owner>
class WrittenDown : public ::testing::Test, protected Owner {
protected:
    // ---- what the server hears and says ----

    void ask(const Call& call, AnswerDone done) override {
        if (at_once != errc::ok) return done({at_once, std::string(explain(at_once))});
        requests.push_back({call, std::move(done)});
    }
    std::string asked() const {
        std::string all;
        for (const Request& each : requests) all += (all.empty() ? "" : ", ") + each.text();
        return all;
    }
    Request take_request() {
        EXPECT_FALSE(requests.empty());
        if (requests.empty()) return {};
        Request first = std::move(requests.front());
        requests.erase(requests.begin());
        return first;
    }
    template <typename Body>
    void answer(const Body& body) {
        Answer answer;
        answer.bodies.emplace_back(wire::im::encode(body));
        take_request().done(std::move(answer));
    }
    void refuse(errc code, std::uint32_t retry_after_ms = 0) {
        Answer answer{code, std::string(explain(code))};
        answer.retry_after_ms = retry_after_ms;
        take_request().done(std::move(answer));
    }
    static Uuid id(std::uint64_t number) {
        Uuid made;
        made.bytes[0] = 1;
        made.bytes[14] = static_cast<std::uint8_t>(number >> 8);
        made.bytes[15] = static_cast<std::uint8_t>(number);
        return made;
    }
    static wire::im::Entry message(std::uint64_t offset, std::string_view from = "bob") {
        wire::im::Entry entry;
        entry.offset = offset;
        entry.kind = model::EntryKind::message;
        entry.id = id(offset);
        entry.from = from;
        entry.time_ms = static_cast<std::int64_t>(offset) * 1'000;
        entry.type = "text";
        entry.payload = "hello";
        return entry;
    }
    void lose_session() {
        session = false;
        for (Request& each : std::exchange(requests, {})) each.done({errc::connection_lost, "lost"});
    }

    // ---- what the application hears ----

    bool in_session() const override { return session; }
    session::TimePoint now() const override { return time; }
    void tell(Event event) override {
        queue.push_back([event = std::move(event)]() -> std::optional<Event> { return event; });
    }
    void count_message() override {}
    void tell_later(std::function<std::optional<Event>()> make) override { queue.push_back(std::move(make)); }
    // The next of what was told; nothing: the queue is empty, or it is none.
    std::optional<Event> handle_next() {
        auto make = std::move(queue.front());
        queue.pop_front();
        return make();
    }

    bool session = true;
    errc at_once = errc::ok;
    session::TimePoint time{1h};
    std::set<std::pair<std::string, Uuid>> seen;  // sender, id
    std::vector<Request> requests;
    std::deque<std::function<std::optional<Event>()>> queue;
    std::string results;
};

}  // namespace flare::client::test
