// The subscriptions of a client, with a server and an application whose every step is written down.
#pragma once

#include "unit/client/written_down.hpp"

#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace flare::client::test {

class Subscribing : public WrittenDown<Feeds::Owner> {
protected:
    // ---- what the server says ----

    // The last entry that was written is `last`; the feed goes on at `next`.
    void begun(std::uint32_t number, std::uint64_t next, std::uint64_t last,
               std::optional<wire::im::FeedReset> reset = {}, std::uint64_t epoch = 7, std::uint64_t from = 1) {
        wire::im::Subscribed body;
        body.feed = number;
        body.head = wire::im::Head{epoch, 1, last, last};
        body.visible_from = from;
        body.next = next;
        body.reset = reset;
        answer(body);
    }
    void ended() { answer(wire::im::Unsubscribed{}); }
    // Returns false while the application has not done with it.
    std::shared_ptr<bool> tell(std::uint32_t number, std::vector<wire::im::Entry> entries,
                               std::optional<wire::im::FeedReset> reset = {}, std::uint64_t removed = 0) {
        auto consumed = std::make_shared<bool>(false);
        const std::shared_ptr<void> taken(nullptr, [consumed](void*) { *consumed = true; });
        const wire::im::Feed frame{std::move(entries), reset, removed, errc::ok, std::nullopt, {}};
        feeds.on_feed(number, frame, {}, 0, taken);
        return consumed;
    }
    static wire::im::FeedReset reset(wire::im::FeedResetReason reason, std::uint64_t next, std::uint64_t epoch = 7) {
        return {reason, 1, next, next, epoch};
    }
    void next_session() {
        session = true;
        feeds.begin_session();
    }

    // ---- what the application asks and hears ----

    void subscribe(const std::string& name, const SubscribeOptions& options = {}) {
        feeds.subscribe(name, options, [this](const Checked<Subscription>& result) {
            if (result) {
                results += "from " + std::to_string(result->after.offset) + (result->gap ? " with a gap; " : "; ");
            } else {
                results += std::to_string(static_cast<int>(result.error().code)) + "; ";
            }
        });
    }
    void unsubscribe(const std::string& name) {
        feeds.unsubscribe(name, [this](const Checked<>& result) {
            results += result ? "ended; " : std::to_string(static_cast<int>(result.error().code)) + "; ";
        });
    }
    // A subscription with this number; the log ends at offset 10.
    void subscribed(const std::string& name, std::uint32_t number) {
        subscribe(name);
        begun(number, 11, 10);
        results.clear();
    }
    static std::string code(errc of) { return std::to_string(static_cast<int>(of)) + "; "; }

    bool has_seen(std::string_view from, const Uuid& of) const override {
        return seen.contains({std::string(from), of});
    }
    bool settle(const Uuid& of, std::string_view conversation, const StoredAt& stored) override {
        if (!unsettled.erase({std::string(conversation), of})) return false;
        queue.push_back([offset = stored.position.offset]() -> std::optional<Event> {
            return event::MessageSent{id(offset), StoredAt{{7, offset}, {}}};
        });
        return true;
    }
    void count_message() override { ++messages; }
    void tell_later(std::function<std::optional<Event>()> make) override {
        counted.push_back(messages);
        queue.push_back(std::move(make));
    }

    struct Text {
        std::string operator()(const event::MessageReceived& e) const {
            return e.conversation + " " + std::to_string(e.stored->position.offset) + "; ";
        }
        std::string operator()(const event::OwnMessage& e) const {
            return "own " + std::to_string(e.stored.position.offset) + "; ";
        }
        std::string operator()(const event::MessageSent& e) const {
            return "sent " + std::to_string(e.stored->position.offset) + "; ";
        }
        std::string operator()(const event::EntryReceived& e) const {
            return std::string(name(e.entry.kind)) + " " + std::to_string(e.stored.position.offset) + "; ";
        }
        std::string operator()(const event::HistoryGap& e) const {
            return std::string(name(e.reason)) + " " + std::to_string(e.first) + "-" + std::to_string(e.last) + "; ";
        }
        std::string operator()(const event::SubscriptionEnded& e) const {
            return "ended " + std::to_string(static_cast<int>(e.reason.code)) + " " + std::to_string(e.offset) + "; ";
        }
        std::string operator()(const event::Error& e) const {
            return "error " + std::to_string(static_cast<int>(e.failure.code)) + "; ";
        }
        template <typename Other>
        std::string operator()(const Other&) const {
            return "?; ";
        }
    };
    // The application handles what was told.
    std::string heard() {
        std::string all;
        while (!queue.empty()) {
            if (const auto event = handle_next()) all += std::visit(Text(), *event);
        }
        return all;
    }

    std::set<std::pair<std::string, Uuid>> unsettled;  // conversation, id
    std::size_t messages = 0;
    std::vector<std::size_t> counted;  // when something was told
    Feeds feeds{"ann", *this};
};

}  // namespace flare::client::test
