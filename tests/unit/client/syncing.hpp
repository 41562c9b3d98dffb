// A client that keeps its list of conversations, with a server and an application whose every step is written down.
#pragma once

#include "unit/client/written_down.hpp"

#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace flare::client::test {

// A conversation as a page names it: its log ends at `last`, the page has the entries from `first` on.
struct Named {
    std::string name;
    std::uint32_t feed = 0;
    std::uint64_t last = 0;
    std::uint64_t first = 0;  // 0: none
    std::uint64_t mark = 0;
    std::uint32_t unread = 0;
    std::uint64_t epoch = 7;
    std::uint64_t visible_from = 1;
};

class Syncing : public WrittenDown<Sync::Owner> {
protected:
    // ---- what the server says ----

    static wire::im::SyncedConversation wire_of(const Named& named) {
        wire::im::SyncedConversation made;
        made.about.emplace();
        made.about->conversation = named.name;
        made.about->head = wire::im::Head{named.epoch, 1, named.last, named.last};
        made.about->role = model::Role::member;
        made.about->visible_from = named.visible_from;
        made.last_ms = static_cast<std::int64_t>(named.last) * 1'000;
        made.mark = wire::im::ReadMark{named.mark, named.unread, false};
        made.feed = named.feed;
        for (std::uint64_t i = named.first; i != 0 && i <= named.last; ++i) made.entries.push_back(message(i));
        return made;
    }
    wire::im::SyncPage page(const std::vector<Named>& named, std::string_view cursor, bool whole = false) {
        wire::im::SyncPage made;  // with views of the names
        for (const Named& each : pages.emplace_back(named)) made.conversations.push_back(wire_of(each));
        made.cursor = cursor;
        made.whole = whole;
        return made;
    }
    std::deque<std::vector<Named>> pages;  // as they were made
    const Named& kept(const Named& named) { return pages.emplace_back(1, named).front(); }
    // A new session, and a sync that is over with this page.
    void synced(const std::vector<Named>& named, std::string_view cursor = "c1", bool whole = true) {
        session = true;
        sync.begin_session();
        answer(page(named, cursor, whole));
        handled();
        EXPECT_EQ(asked(), "");
    }
    std::shared_ptr<bool> tell(std::uint32_t number, wire::im::Feed frame) {
        auto consumed = std::make_shared<bool>(false);
        const std::shared_ptr<void> taken(nullptr, [consumed](void*) { *consumed = true; });
        const Bytes whole(wire::im::encode(frame));
        sync.on_feed(number, wire::im::decode<wire::im::Feed>(whole.view()).value(), whole, 0, taken);
        return consumed;
    }
    std::shared_ptr<bool> tell(std::uint32_t number, std::vector<wire::im::Entry> entries, std::uint64_t removed = 0) {
        wire::im::Feed frame;
        frame.entries = std::move(entries);
        frame.removed = removed;
        return tell(number, std::move(frame));
    }
    // A message as Data: "held", "told", "left to the feed".
    void data(const std::string& from, std::uint64_t number) {
        const auto decide = [this, from, number](bool told) {
            const std::string text = from + "'s " + std::to_string(number) + (told ? " told" : " left to the feed");
            queue.push_back([this, text]() -> std::optional<Event> {
                decided += text + "; ";
                return std::nullopt;
            });
        };
        seen.insert({from, id(number)});
        if (!sync.hold(from, id(number), 5, decide)) decide(true);
    }
    void next_session() {
        lose_session();
        session = true;
        sync.begin_session();
    }
    void stored(const std::string& name, std::uint64_t offset) {
        Entry entry;
        entry.kind = EntryKind::message;
        entry.id = id(offset);
        entry.from = "ann";
        entry.payload = "mine";
        sync.on_stored(name, {{7, offset}, {}}, entry);
    }
    void subscribe(const std::string& name, const SubscribeOptions& options = {}) {
        sync.feeds().subscribe(name, options, [this](const Checked<Subscription>& result) {
            results += result ? "subscribed; " : std::to_string(static_cast<int>(result.error().code)) + "; ";
        });
    }
    void begun(std::uint32_t number, std::uint64_t next, std::uint64_t last, std::uint64_t epoch = 7) {
        wire::im::Subscribed body;
        body.feed = number;
        body.head = wire::im::Head{epoch, 1, last, last};
        body.visible_from = 1;
        body.next = next;
        answer(body);
    }
    void mark_read(const std::string& name, std::uint64_t upto) {
        sync.marks().mark_read(name, {7, upto}, [this](const Checked<ReadMark>& result) {
            results += result
                           ? std::to_string(result->unread) + " unread above " + std::to_string(result->offset) + "; "
                           : std::to_string(static_cast<int>(result.error().code)) + "; ";
        });
    }
    static std::string code(errc of) { return std::to_string(static_cast<int>(of)); }

    // ---- what the application hears ----

    bool has_seen(std::string_view from, const Uuid& of) const override {
        return seen.contains({std::string(from), of}) && !sync.holds(from, of);
    }
    bool settle(const Uuid&, std::string_view, const StoredAt&) override { return false; }
    void TearDown() override { queue.clear(); }  // what is in it goes to `posted`
    std::shared_ptr<void> when_handled(std::function<void()> then) override {
        return {nullptr, [this, then = std::move(then)](void*) { posted.push_back(then); }};
    }

    struct Text {
        std::string operator()(const event::MessageReceived& e) const {
            return e.conversation + " " + std::to_string(e.stored->position.offset) + "; ";
        }
        std::string operator()(const event::OwnMessage& e) const {
            return "own " + std::to_string(e.stored.position.offset) + "; ";
        }
        std::string operator()(const event::HistoryGap& e) const {
            return std::string(name(e.reason)) + " " + std::to_string(e.first) + "-" + std::to_string(e.last) + "; ";
        }
        std::string operator()(const event::SubscriptionEnded& e) const {
            return "ended " + e.conversation + " " + code(e.reason.code) + "; ";
        }
        std::string operator()(const event::ConversationChanged& e) const {
            if (!e.now) return "[" + e.conversation + " gone] ";
            return "[" + e.conversation + " " + std::to_string(e.now->about.head.last) + ", " +
                   std::to_string(e.now->mark.unread) + "] ";
        }
        std::string operator()(const event::InvitationChanged& e) const {
            return "{" + e.room + (e.now ? " by " + e.now->invited_by : " no longer") + "} ";
        }
        std::string operator()(const event::ConversationsSynced&) const { return "synced; "; }
        std::string operator()(const event::MarksChanged& e) const {
            return e.user + " in " + e.conversation + " " + std::to_string(e.read) + "/" + std::to_string(e.delivered) +
                   "; ";
        }
        std::string operator()(const event::CapabilityUnavailable& e) const { return "no " + e.capability + "; "; }
        std::string operator()(const event::Error& e) const { return "error " + code(e.failure.code) + "; "; }
        template <typename Other>
        std::string operator()(const Other&) const {
            return "?; ";
        }
    };
    // The application handles what was told; `all` false: without changes of the list.
    std::string heard(bool all = true) {
        std::string text;
        while (!queue.empty()) {
            const auto event = handle_next();
            if (event && (all || !std::holds_alternative<event::ConversationChanged>(*event)))
                text += std::visit(Text(), *event);
        }
        return text;
    }
    // What waits for that goes on.
    std::string handled(bool all = true) {
        std::string text = heard(all);
        for (const auto& then : std::exchange(posted, {})) then();
        return text;
    }

    std::vector<std::function<void()>> posted;
    std::string decided;
    Sync sync{true, "ann", *this};
};

}  // namespace flare::client::test
