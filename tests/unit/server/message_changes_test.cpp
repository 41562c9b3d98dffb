// Changes of messages on shards: from requests of a session to the log, and from there to feeds.
#include "unit/server/conversation_bench.hpp"
#include "wire/compression.hpp"
#include "wire/feeds.hpp"

#include <algorithm>

namespace flare::server::test {
namespace {

using Entries = std::vector<std::string>;

std::string_view word_of(model::EntryKind kind) {
    switch (kind) {
        case model::EntryKind::message: return "message";
        case model::EntryKind::edit: return "edit";
        case model::EntryKind::removal: return "removal";
        case model::EntryKind::reaction: return "reaction";
        default: return "other";
    }
}

// "5 edit of 3: text", with a - for what is deleted or taken back.
std::string line_of(const wire::im::Entry& entry) {
    std::string text = std::to_string(entry.offset) + " " + std::string(word_of(entry.kind));
    if (entry.ref != 0) text += " of " + std::to_string(entry.ref);
    if ((entry.flags & (model::kDeleted | model::kTakenBack)) != 0) text += " -";
    return text + ": " + std::string(entry.payload);
}

// What a line was told of feeds.
Entries fed(const Line& line) {
    Entries all;
    for (const std::string& batch : line.sent) {
        for (const wire::FrameView& frame : frames_of(batch)) {
            if (frame.kind != wire::FrameKind::feed) continue;
            const auto feed = wire::im::decode<wire::im::Feed>(frame.body);
            EXPECT_TRUE(feed);
            for (const wire::im::Entry& entry : feed->entries) all.push_back(line_of(entry));
        }
    }
    return all;
}

class MessageChangesOnShards : public RoomsOnShards {
protected:
    void gather(std::uint32_t workers) { gather(workers, store); }
    void gather(std::uint32_t workers, BenchStore& in) {
        bench = std::make_unique<ShardBench>(plain_config(workers), nullptr, &in);
        bob = session_of("bob", 1);
        ann = session_of("ann", 2);
        make_room(ann, 1, 1, {"bob"});
        wire::im::Subscribe from;
        from.conversation = "room:tea";
        bench->bring(bob, request(1, 1, Verb::subscribe, from));
    }
    static std::string edit(session::Seq seq, std::uint8_t id, std::uint64_t offset, std::string_view payload,
                            std::uint64_t ago_ms = 0) {
        wire::im::MessageEdit body;
        body.conversation = "room:tea";
        body.offset = offset;
        body.payload = payload;
        return request(seq, id, Verb::message_edit, body, ago_ms);
    }
    static std::string remove(session::Seq seq, std::uint8_t id, std::uint64_t offset) {
        return request(seq, id, Verb::message_delete, wire::im::MessageDelete{"room:tea", 0, offset});
    }
    static std::string react(session::Seq seq, std::uint8_t id, std::uint64_t offset, std::string_view key,
                             Verb verb = Verb::message_react) {
        return request(seq, id, verb, wire::im::MessageReaction{"room:tea", 0, offset, key});
    }
    // "ok 5", or the code.
    static std::string said(const std::shared_ptr<Line>& line, std::uint8_t id) {
        const auto all = responses(*line);
        if (!all.contains(message_id(id))) return "nothing";
        const Response& response = all.at(message_id(id));
        if (response.code != errc::ok) return std::string(name(response.code));
        const auto written = wire::im::decode<wire::im::Written>(response.body);
        EXPECT_TRUE(written);
        EXPECT_NE(written->time_ms, 0);
        return "ok " + std::to_string(written->offset);
    }

    std::shared_ptr<Line> ann;
    std::shared_ptr<Line> bob;
};

TEST_F(MessageChangesOnShards, AreToldInOrderAlsoToWhoMadeThem) {
    for (const std::uint32_t workers : {1u, 2u, 3u}) {
        BenchStore fresh;
        gather(workers, fresh);
        wire::im::Subscribe from;
        from.conversation = "room:tea";
        bench->bring(ann, request(2, 2, Verb::subscribe, from));
        bench->bring(ann, data(3, 3, "helo", "room:tea"));
        bench->bring(ann, edit(4, 4, 2, "hello") + data(5, 5, "more", "room:tea") + react(6, 6, 2, "up"));
        EXPECT_EQ(said(ann, 4), "ok 3");
        EXPECT_EQ(answers(*ann).at(message_id(5)), stored(4)) << "their order holds";
        EXPECT_EQ(said(ann, 6), "ok 5");
        bench->bring(bob, react(2, 2, 2, "up"));
        bench->bring(bob, react(3, 3, 2, "up", Verb::message_unreact));
        bench->bring(ann, remove(7, 7, 4));
        EXPECT_EQ(fed(*bob), (Entries{"2 message: helo", "3 edit of 2: hello", "4 message: more", "5 reaction of 2: up",
                                      "6 reaction of 2: up", "7 reaction of 2 -: up", "8 removal of 4: "}));
        // Her first message is her receipt; the second one stands among changes, which no receipt tells.
        EXPECT_EQ(fed(*ann), (Entries{"3 edit of 2: hello", "4 message: more", "5 reaction of 2: up",
                                      "6 reaction of 2: up", "7 reaction of 2 -: up", "8 removal of 4: "}));
        bench.reset();
    }
}

TEST_F(MessageChangesOnShards, AreMadeOnceUnderTheirId) {
    gather(2);
    bench->bring(ann, data(2, 2, "text", "room:tea"));
    bench->bring(ann, edit(3, 3, 2, "edited"));
    EXPECT_EQ(said(ann, 3), "ok 3");
    end("ann", ann);
    const auto back = session_of("ann", 3);
    bench->bring(back, remove(1, 4, 2) + edit(2, 3, 2, "edited", 1000));
    EXPECT_EQ(said(back, 4), "ok 4");
    EXPECT_EQ(said(back, 3), "ok 3") << "it was made, whatever has happened since";
    bench->bring(back, edit(3, 5, 2, "again"));
    EXPECT_EQ(said(back, 5), "history_pruned");
}

TEST_F(MessageChangesOnShards, OfOneTurnTellNoTextThatIsDeletedInIt) {
    gather(1);
    bench->bring(ann, data(2, 2, "text", "room:tea"));
    bench->bring(ann, edit(3, 3, 2, "secret") + remove(4, 4, 2));
    EXPECT_EQ(said(ann, 3), "ok 3");
    EXPECT_EQ(said(ann, 4), "ok 4");
    EXPECT_EQ(fed(*bob), (Entries{"2 message: text", "3 edit of 2 -: ", "4 removal of 2: "}));
}

TEST_F(MessageChangesOnShards, WhoIsBehindIsToldNoTextThatWasDeletedMeanwhile) {
    gather(2);
    bob->writable = false;
    constexpr std::uint8_t kMessages = 40;
    for (std::uint8_t i = 0; i < kMessages; ++i)
        bench->bring(ann, data(2u + i, static_cast<std::uint8_t>(10 + i), "text " + std::to_string(i), "room:tea"));
    bench->bring(ann, remove(2u + kMessages, 5, 41));
    EXPECT_EQ(said(ann, 5), "ok 42");
    bob->writable = true;
    bob->handler->on_writable();
    bench->settle();
    const Entries heard = fed(*bob);
    ASSERT_EQ(heard.size(), 41u);
    EXPECT_EQ(heard[38], "40 message: text 38");
    EXPECT_EQ(heard[39], "41 message -: ") << "it was at hand, and is read anew";
    EXPECT_EQ(heard[40], "42 removal of 41: ");
}

TEST_F(MessageChangesOnShards, AreRefusedWithoutAnEntry) {
    gather(2);
    bench->bring(ann, data(2, 2, "text", "room:tea"));
    bench->bring(bob, edit(2, 2, 2, "mine") + remove(3, 3, 2) + remove(4, 4, 9) + react(5, 5, 2, "") +
                          react(6, 6, 2, std::string(65, 'k')) + react(7, 7, 1, "up") +
                          react(8, 8, 2, "up", Verb::message_unreact));
    EXPECT_EQ(said(bob, 2), "forbidden");
    EXPECT_EQ(said(bob, 3), "forbidden");
    EXPECT_EQ(said(bob, 4), "forbidden");
    EXPECT_EQ(said(bob, 5), "invalid_name");
    EXPECT_EQ(said(bob, 6), "invalid_name");
    EXPECT_EQ(said(bob, 7), "forbidden") << "it is no message";
    EXPECT_EQ(said(bob, 8), "ok 2") << "the end of the log: nothing was to be taken back";
    bench->bring(ann, edit(3, 3, 2, std::string(64 * 1024 + 1, 'x')));
    EXPECT_EQ(said(ann, 3), "message_too_large");
    EXPECT_EQ(log(model::ConversationKey::room("tea")).size(), 2u);
}

TEST_F(MessageChangesOnShards, TakeNoCompressionThatTheSessionHasNotAgreedOn) {
    gather(1);
    bench->bring(ann, data(2, 2, "text", "room:tea"));
    wire::im::MessageEdit body;
    body.conversation = "room:tea";
    body.offset = 2;
    body.payload = "no gzip";
    body.encoding = wire::Encoding::gzip;
    body.size = 100;
    bench->bring(ann, request(3, 3, Verb::message_edit, body));
    EXPECT_EQ(said(ann, 3), "compression_unavailable");
    EXPECT_EQ(log(model::ConversationKey::room("tea")).back(), "text");
}

TEST_F(MessageChangesOnShards, ARoomOfTinyMessagesTakesReactions) {
    gather(1);
    bench->bring(ann, data(2, 2, "x", "room:tea"));
    store::Change change;
    const auto row = (*store.engine->reader()->conversation(model::ConversationKey::room("tea")))->row;
    change.conversation = row;
    change.config.emplace();
    change.config->max_payload_bytes = 1;
    store::WriteBatch batch;
    batch.writes.emplace_back().what = change;
    store::WriteBatch* const group[] = {&batch};
    ASSERT_TRUE(store.engine->commit(group, 1'700'000'000'000));
    end("ann", ann);
    end("bob", bob);
    bench.reset();
    start(1);  // which reads it anew
    const auto back = session_of("ann", 3);
    bench->bring(back, react(1, 3, 2, "longer than a byte") + edit(2, 4, 2, "xx"));
    EXPECT_EQ(said(back, 3), "ok 3");
    EXPECT_EQ(said(back, 4), "message_too_large");
}

}  // namespace
}  // namespace flare::server::test
