// Lists of sessions on shards: what is asked, what pages and feeds say.
#pragma once

#include "unit/server/conversation_bench.hpp"
#include "wire/feeds.hpp"
#include "wire/sync.hpp"

#include <algorithm>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace flare::server::test {

using Offsets = std::vector<std::uint64_t>;
using ListedNames = std::vector<std::string>;

// What a session is told by frames of feeds, in order.
struct Heard {
    std::uint32_t feed = 0;
    Offsets entries;
    std::uint64_t removed = 0;
    errc failed = errc::ok;
    std::optional<std::string> began;  // the name
    std::uint32_t began_feed = 0;
    Offsets began_with;
    std::uint64_t last = 0;  // of what began
};

inline std::vector<Heard> heard(const Line& line) {
    std::vector<Heard> all;
    for (const std::string& batch : line.sent) {
        for (const wire::FrameView& frame : frames_of(batch)) {
            if (frame.kind != wire::FrameKind::feed) continue;
            const auto feed = wire::im::decode<wire::im::Feed>(frame.body);
            if (!feed) {
                ADD_FAILURE() << "a feed that cannot be read";
                continue;
            }
            if (!feed->states.empty()) continue;
            Heard& each = all.emplace_back();
            each.feed = frame.feed_id;
            each.removed = feed->removed;
            each.failed = feed->failed;
            for (const auto& entry : feed->entries) each.entries.push_back(entry.offset);
            if (!feed->began) continue;
            each.began = std::string(feed->began->about->conversation);
            each.began_feed = feed->began->feed;
            each.last = feed->began->about->head->last;
            for (const auto& entry : feed->began->entries) each.began_with.push_back(entry.offset);
        }
    }
    return all;
}
// "room:tea read 3, 2 unread of 5", in order.
inline std::vector<std::string> states(const Line& line) {
    std::vector<std::string> all;
    for (const std::string& batch : line.sent) {
        for (const wire::FrameView& frame : frames_of(batch)) {
            if (frame.kind != wire::FrameKind::feed) continue;
            const auto feed = wire::im::decode<wire::im::Feed>(frame.body);
            if (!feed) continue;
            EXPECT_TRUE(feed->states.empty() || frame.feed_id == 0);
            for (const auto& state : feed->states) {
                if (!state.others.empty()) continue;  // others_marks_test.cpp
                std::string& text = all.emplace_back(state.conversation);
                if (state.mark)
                    text += " read " + std::to_string(state.mark->offset) + ", " + std::to_string(state.mark->unread) +
                            " unread of " + std::to_string(state.mark->last);
                if (state.last != 0)
                    text += " ends at " + std::to_string(state.last) + " with " + std::to_string(state.messages);
                if (state.settings)
                    text += " cleared " + std::to_string(state.settings->cleared_to) + ", pinned " +
                            std::to_string(state.settings->pinned);
                if (state.mentioned != 0) text += " mentions at " + std::to_string(state.mentioned);
                if (state.gone) text += " is gone";
                if (state.invited) text += " has an invitation that is new or over";
                if (state.conversation.empty()) text = "sync";
            }
        }
    }
    return all;
}
// Its client has everything that was sent to it in lane 0.
inline std::string ack_all(const Line& line) {
    wire::FrameHeader header;
    wire::LaneState& state = header.acks.emplace_back();
    for (const std::string& batch : line.sent) {
        for (const wire::FrameView& frame : frames_of(batch)) {
            if (frame.lane == 0) state.received = std::max(state.received, frame.seq);
        }
    }
    state.max_seq = 10'000;
    state.max_bytes = 10 << 20;
    wire::Batch batch;
    batch.add(header);
    return batch.str();
}
inline Offsets told_to(const Line& line, std::uint32_t feed) {
    Offsets all;
    for (const Heard& each : heard(line)) {
        if (each.feed == feed) all.insert(all.end(), each.entries.begin(), each.entries.end());
    }
    return all;
}

class ListsOnShards : public RoomsOnShards {
protected:
    struct Wanted {
        std::string_view cursor{};
        std::string_view page{};
        std::uint32_t limit = 0;
        std::uint32_t entries = 0;
        bool feeds = false;
    };
    static std::string sync(session::Seq seq, std::uint8_t id, const Wanted& wanted) {
        return request(seq, id, Verb::sync,
                       wire::im::Sync{wanted.cursor, wanted.page, wanted.limit, wanted.entries, wanted.feeds});
    }
    static std::string sync(session::Seq seq, std::uint8_t id) { return sync(seq, id, {.feeds = true}); }
    static std::string mark(session::Seq seq, std::uint8_t id, std::string_view conversation, std::uint64_t epoch,
                            std::uint64_t offset) {
        return request(seq, id, Verb::read_mark, wire::im::MarkRead{conversation, epoch, offset});
    }
    static std::string member(session::Seq seq, std::uint8_t id, Verb verb, std::string_view user,
                              std::string_view conversation = "room:tea") {
        wire::im::MemberChange change;
        change.conversation = conversation;
        change.users = {user};
        return request(seq, id, verb, change);
    }
    static std::string of_room(session::Seq seq, std::uint8_t id, Verb verb, std::string_view conversation) {
        return request(seq, id, verb, wire::im::ConversationRef{conversation});
    }
    // Views into `kept_`.
    wire::im::SyncPage page(const Line& line, std::uint8_t id) {
        const auto all = responses(line);
        EXPECT_TRUE(all.contains(message_id(id)));
        if (!all.contains(message_id(id))) return {};
        EXPECT_EQ(all.at(message_id(id)).code, errc::ok);
        kept_.push_back(all.at(message_id(id)).body);
        const auto body = wire::im::decode<wire::im::SyncPage>(kept_.back());
        EXPECT_TRUE(body);
        return body ? *body : wire::im::SyncPage();
    }
    errc code(const Line& line, std::uint8_t id) {
        const auto all = responses(line);
        EXPECT_TRUE(all.contains(message_id(id)));
        return all.contains(message_id(id)) ? all.at(message_id(id)).code : errc::internal;
    }
    std::optional<wire::im::ReadMark> marked(const Line& line, std::uint8_t id) {
        const auto all = responses(line);
        if (!all.contains(message_id(id)) || all.at(message_id(id)).code != errc::ok) return std::nullopt;
        return *wire::im::decode<wire::im::ReadMark>(all.at(message_id(id)).body);
    }
    static ListedNames names(const wire::im::SyncPage& page) {
        ListedNames all;
        for (const auto& each : page.conversations) all.emplace_back(each.about->conversation);
        return all;
    }
    std::uint64_t epoch_of(const model::ConversationKey& key) {
        return (*store.engine->reader()->conversation(key))->head.last.epoch;
    }
    // The connection is lost; the session stays.
    void cut(const std::shared_ptr<Line>& line) {
        line->handler->on_closed({errc::connection_lost, "gone", true});
        bench->settle();
    }
    // It comes back on another connection.
    std::shared_ptr<Line> resume(const std::string& user, const std::shared_ptr<Line>& before, std::uint8_t attempt,
                                 const std::string& device = "phone") {
        std::string ticket;
        std::string secret;
        for (const std::string& batch : before->sent) {
            for (const wire::FrameView& frame : frames_of(batch)) {
                if (frame.kind != wire::FrameKind::welcome) continue;
                const auto welcome = wire::decode_welcome(frame.body);
                ticket = welcome->ticket;
                secret = welcome->secret;
            }
        }
        wire::Hello hello = greeting(user, attempt, device);
        const std::string nonce(16, 'n');
        hello.resume.emplace();
        hello.resume->ticket = ticket;
        hello.resume->nonce = nonce;
        const auto mac = session::resume_mac(secret, ticket, hello.epoch, hello.resume->nonce, hello.attempt_id);
        hello.resume->mac = mac;
        const auto line = bench->connect(bench->router.home_of(user));
        bench->bring(line, said(hello));
        bench->bring(line, activate(attempt));
        EXPECT_TRUE(has(*line, wire::FrameKind::welcome));
        return line;
    }
    std::size_t feeds() {
        std::size_t all = 0;
        for (const auto& loop : bench->loops) all += loop->shard.conversations()->feeds.size();
        return all;
    }
    SyncStats stats() {
        ServerStats all;
        for (const auto& loop : bench->loops) add(all, loop->shard.stats());
        return all.sync;
    }
    void check() {
        for (const auto& loop : bench->loops) {
            loop->shard.conversations()->feeds.machine().check_invariants();
            loop->shard.conversations()->states.check_invariants();
            loop->shard.conversations()->home.check_invariants();
        }
    }

    std::deque<std::string> kept_;
};

}  // namespace flare::server::test
