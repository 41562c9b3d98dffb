// Sessions that know conversations, on shards with a store.
#pragma once

#include "unit/server/shard_bench.hpp"
#include "wire/requests.hpp"

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace flare::server::test {

using Status = wire::ReceiptStatus;

struct Answer {
    Status status = Status::unspecified;
    errc code = errc::ok;
    std::uint64_t offset = 0;
    std::uint32_t retry_after_ms = 0;
    friend bool operator==(const Answer&, const Answer&) = default;
};
constexpr Answer stored(std::uint64_t offset) { return {Status::stored, errc::ok, offset, 0}; }

// By message id.
inline std::map<Uuid, Answer> answers(const Line& line) {
    std::map<Uuid, Answer> all;
    for (const std::string& batch : line.sent) {
        for (const wire::FrameView& frame : frames_of(batch)) {
            if (frame.kind != wire::FrameKind::receipt) continue;
            const auto receipt = *wire::decode_receipt(frame.body);
            EXPECT_FALSE(all.contains(receipt.message_id)) << "answered twice";
            all[receipt.message_id] = {receipt.status, static_cast<errc>(receipt.code), receipt.stored.position.offset,
                                       receipt.retry_after_ms};
        }
    }
    return all;
}

// What a device that knows conversations says first.
inline wire::Hello greeting(const std::string& user, std::uint8_t attempt, const std::string& device = "phone") {
    wire::Hello hello = hello_of(user, attempt, device);
    hello.capabilities |= wire::kCapabilityConversations;
    return hello;
}

class ConversationsOnShards : public ::testing::Test {
protected:
    std::shared_ptr<Line> session_of(const std::string& user, std::uint8_t attempt,
                                     const std::string& device = "phone") {
        const auto line = bench->connect(bench->router.home_of(user));
        bench->bring(line, said(greeting(user, attempt, device)));
        bench->bring(line, activate(attempt));
        return line;
    }
    // The connection is lost, and the session with it.
    void end(const std::string& user, const std::shared_ptr<Line>& line) {
        bench->shard(bench->router.home_of(user)).end_user(user, errc::kicked, "out");
        bench->settle();
        line->handler->on_closed({errc::connection_lost, "gone", true});
        bench->settle();
    }
    void start(std::uint32_t workers = 1) {
        bench = std::make_unique<ShardBench>(plain_config(workers), nullptr, &store);
    }
    std::vector<std::string> log(const model::ConversationKey& key) {
        const auto reader = store.engine->reader();
        const auto conversation = *reader->conversation(key);
        std::vector<std::string> texts;
        if (!conversation) return texts;
        const auto page = *reader->page(
            {.conversation = conversation->row, .from = 1, .direction = store::Direction::forward, .limit = 200});
        for (const store::Entry& entry : page.entries) {
            EXPECT_EQ(entry.offset, texts.size() + 1);
            texts.push_back(entry.payload);
        }
        return texts;
    }
    static model::ConversationKey between(const std::string& one, const std::string& other) {
        return model::ConversationKey::direct(one, other);
    }

    BenchStore store;
    std::unique_ptr<ShardBench> bench;
};

// The same with an age: sent again.
inline std::string again(session::Seq seq, std::uint8_t id, std::string_view payload, std::string_view to,
                         std::uint64_t ago_ms = 1000) {
    wire::DataView view;
    view.message = session::test::message_of(id, payload, to);
    view.message->type = "chat";
    view.first_sent_ms_ago = ago_ms;
    return session::test::numbered(0, seq, wire::encode(view));
}

using wire::Verb;

template <typename Body>
std::string request(session::Seq seq, std::uint8_t id, Verb verb, const Body& body, std::uint64_t ago_ms = 0) {
    const std::string encoded = wire::im::encode(body);
    wire::RequestView view;
    view.id = message_id(id);
    view.verb = verb;
    view.body = encoded;
    view.first_sent_ms_ago = ago_ms;
    return session::test::numbered(0, seq, wire::encode(view));
}

struct Response {
    errc code = errc::ok;
    std::string body;
};
// By request id.
inline std::map<Uuid, Response> responses(const Line& line) {
    std::map<Uuid, Response> all;
    for (const std::string& batch : line.sent) {
        for (const wire::FrameView& frame : frames_of(batch)) {
            if (frame.kind != wire::FrameKind::response) continue;
            const auto response = *wire::decode_response(frame.body);
            EXPECT_FALSE(all.contains(response.id)) << "answered twice";
            all[response.id] = {response.code, std::string(response.body)};
        }
    }
    return all;
}

class RoomsOnShards : public ConversationsOnShards {
protected:
    // Ann's, with these members.
    void make_room(const std::shared_ptr<Line>& ann, session::Seq seq, std::uint8_t id,
                   std::vector<std::string_view> members = {}, std::string_view name = "tea") {
        wire::im::ConversationCreate create;
        create.name = name;
        create.join = model::Join::open;
        create.members = std::move(members);
        bench->bring(ann, request(seq, id, Verb::conversation_create, create));
        ASSERT_EQ(responses(*ann).at(message_id(id)).code, errc::ok);
    }
};

}  // namespace flare::server::test
