#include "unit/server/shard_bench.hpp"

namespace flare::server::test {
namespace {

// A session of `user` on that worker.
std::shared_ptr<Line> session_of(ShardBench& bench, const std::string& user, std::uint8_t attempt = 1,
                                 const std::string& device = "phone") {
    const auto line = bench.connect(bench.router.home_of(user));
    bench.bring(line, said(hello_of(user, attempt, device)));
    bench.bring(line, activate(attempt));
    return line;
}

// Handlers in the pool, which note what they are given.
struct Noting {
    Config config = plain_config();
    std::shared_ptr<std::vector<std::string>> seen = std::make_shared<std::vector<std::string>>();

    Noting() {
        config.handler.where = Execution::pool;
        config.handler.plain = [seen = seen](const SessionInfo&, const Message& message) -> HandlerResult {
            seen->emplace_back(message.payload.view());
            if (message.payload.view() == "fail") return Failure(errc::handler_failed, "no");
            if (message.payload.view() == "throw") throw std::runtime_error("no");
            return Message("answer", message.payload);
        };
    }
};

TEST(Dispatch, GoesByTheTarget) {
    ShardBench bench(plain_config());
    const auto line = session_of(bench, "ann");
    bench.bring(line, data(1, 1, "x", kServerTarget) + data(2, 2, "x", "room:tea") + data(3, 3, "x", "") +
                          data(4, 4, "x", "nobody") + data(5, 5, "to myself", "ann"));
    const auto answers = receipts(*line);
    EXPECT_EQ(answers.at(message_id(1)), errc::ok);
    EXPECT_EQ(answers.at(message_id(2)), errc::not_supported);
    EXPECT_EQ(answers.at(message_id(3)), errc::unknown_target);
    EXPECT_EQ(answers.at(message_id(4)), errc::user_offline);
    EXPECT_EQ(answers.at(message_id(5)), errc::ok);
    EXPECT_EQ(texts(*line), std::vector<std::string>{"to myself"});
}

TEST(Dispatch, TheRulesComeFirst) {
    Config config = plain_config();
    config.rules = MessageRules({PolicyRule{{"*"}, {std::string(kServerTarget)}, {"chat"}, true}});
    ShardBench bench(std::move(config));
    const auto line = session_of(bench, "ann");
    bench.bring(line, data(1, 1, "x", kServerTarget, "chat") + data(2, 2, "x", kServerTarget, "other"));
    EXPECT_EQ(receipts(*line).at(message_id(1)), errc::ok);
    EXPECT_EQ(receipts(*line).at(message_id(2)), errc::forbidden);
}

TEST(Dispatch, HandlersOfOneSessionRunOneAfterTheOther) {
    Noting noting;
    ShardBench bench(std::move(noting.config));
    const auto line = session_of(bench, "ann");
    bench.bring(line, data(1, 1, "one") + data(2, 2, "fail") + data(3, 3, "throw") + data(4, 4, "four"));
    EXPECT_EQ(bench.pool.size(), 1u);
    for (int i = 0; i < 4; ++i) bench.run_pool();
    EXPECT_EQ(*noting.seen, (std::vector<std::string>{"one", "fail", "throw", "four"}));
    const auto answers = receipts(*line);
    EXPECT_EQ(answers.at(message_id(1)), errc::ok);
    EXPECT_EQ(answers.at(message_id(2)), errc::handler_failed);
    EXPECT_EQ(answers.at(message_id(3)), errc::handler_failed);
    EXPECT_EQ(texts(*line), (std::vector<std::string>{"one", "four"}));
    EXPECT_EQ(bench.shard().stats().handler_runs, 4u);
}

TEST(Dispatch, SessionsDoNotWaitForOneAnother) {
    Noting noting;
    ShardBench bench(std::move(noting.config));
    bench.bring(session_of(bench, "ann"), data(1, 1, "ann's"));
    bench.bring(session_of(bench, "bob", 2), data(1, 2, "bob's"));
    EXPECT_EQ(bench.pool.size(), 2u);
}

// What a device sent in a session that has ended is acted on before what it sends in the next one.
TEST(Dispatch, ADevicesNextSessionWaitsForTheHandlersOfTheOneBefore) {
    Noting noting;
    ShardBench bench(std::move(noting.config));
    const auto before = session_of(bench, "ann", 1);
    bench.bring(before, data(1, 1, "one") + data(2, 2, "two"));
    bench.shard().end_user("ann", errc::kicked, "out");
    bench.settle();
    before->handler->on_closed({errc::connection_lost, "gone", true});
    bench.settle();
    const auto next = session_of(bench, "ann", 2);
    bench.bring(next, data(1, 3, "three"));
    const auto other = session_of(bench, "ann", 3, "tablet");
    bench.bring(other, data(1, 4, "of another device"));
    EXPECT_EQ(bench.pool.size(), 2u);
    while (!bench.pool.empty()) bench.run_pool();
    EXPECT_EQ(*noting.seen, (std::vector<std::string>{"one", "of another device", "two", "three"}));
    EXPECT_EQ(receipts(*next).at(message_id(3)), errc::ok);
}

TEST(Dispatch, AFullPoolIsToldAndHoldsUpNothing) {
    Noting noting;
    ShardBench bench(std::move(noting.config));
    const auto line = session_of(bench, "ann");
    bench.pool_full = true;
    bench.bring(line, data(1, 1, "one") + data(2, 2, "two"));
    EXPECT_EQ(receipts(*line).at(message_id(1)), errc::busy);
    EXPECT_EQ(receipts(*line).at(message_id(2)), errc::busy);
    bench.pool_full = false;
    bench.bring(line, data(3, 3, "three"));
    bench.run_pool();
    EXPECT_EQ(receipts(*line).at(message_id(3)), errc::ok);
}

TEST(Dispatch, AMessageCrossesToTheRecipientsWorkerAndItsReceiptComesBack) {
    ShardBench bench(plain_config(2));
    const std::string ann = bench.user_of(0);
    const std::string bob = bench.user_of(1);
    const auto from = session_of(bench, ann);
    const auto to = session_of(bench, bob, 2);
    bench.bring(from, data(1, 1, "hello", bob));
    EXPECT_EQ(texts(*to), std::vector<std::string>{"hello"});
    EXPECT_EQ(receipts(*from).at(message_id(1)), errc::ok);
    EXPECT_EQ(bench.shard(1).stats().messages_sent, 1u);
}

TEST(Dispatch, MessagesToAnotherWorkerKeepTheirOrder) {
    ShardBench bench(plain_config(2));
    const std::string ann = bench.user_of(0);
    const std::string bob = bench.user_of(1);
    const auto from = session_of(bench, ann);
    const auto to = session_of(bench, bob, 2);
    std::string batch;
    std::vector<std::string> sent;
    for (std::uint8_t i = 1; i <= 20; ++i) {
        sent.push_back(std::to_string(i));
        batch += data(i, i, sent.back(), bob);
    }
    bench.bring(from, batch);
    EXPECT_EQ(texts(*to), sent);
}

TEST(Dispatch, ThePolicyIsAskedBeforeAUserIsReached) {
    Config config = plain_config();
    config.policy = [](const SessionInfo& from, std::string_view to, const Message& message) {
        if (message.payload.view() == "throw") throw std::runtime_error("no");
        return from.user == "ann" && to == "bob";
    };
    ShardBench bench(std::move(config));
    const auto ann = session_of(bench, "ann");
    const auto bob = session_of(bench, "bob", 2);
    bench.bring(ann, data(1, 1, "x", "bob") + data(2, 2, "throw", "bob"));
    bench.bring(bob, data(1, 3, "x", "ann"));
    EXPECT_EQ(receipts(*ann).at(message_id(1)), errc::ok);
    EXPECT_EQ(receipts(*ann).at(message_id(2)), errc::forbidden);
    EXPECT_EQ(receipts(*bob).at(message_id(3)), errc::forbidden);
}

TEST(Dispatch, AHandlersReplyIsChecked) {
    Config config = plain_config();
    config.session.max_message_bytes = 1000;
    config.handler.plain = [](const SessionInfo&, const Message& message) -> HandlerResult {
        if (message.payload.view() == "large") return Message("answer", Bytes(std::string(1001, 'x')));
        return Message("no \xff name", Bytes("x"));
    };
    ShardBench bench(std::move(config));
    const auto line = session_of(bench, "ann");
    bench.bring(line, data(1, 1, "large") + data(2, 2, "named"));
    EXPECT_EQ(receipts(*line).at(message_id(1)), errc::message_too_large);
    EXPECT_EQ(receipts(*line).at(message_id(2)), errc::invalid_name);
}

TEST(Dispatch, WhatWaitsForHandlersIsBoundedByMemory) {
    Noting noting;
    noting.config.max_memory_bytes = 400'000;
    ShardBench bench(std::move(noting.config));
    const auto line = session_of(bench, "ann");
    std::string batch;
    for (std::uint8_t i = 1; i <= 8; ++i) batch += data(i, i, std::string(50'000, 'x'));
    bench.bring(line, batch);
    int busy = 0;
    for (const auto& [id, code] : receipts(*line)) busy += code == errc::busy ? 1 : 0;
    EXPECT_GT(busy, 0);
    while (!bench.pool.empty()) bench.run_pool();
    EXPECT_GT(noting.seen->size(), 1u);
    EXPECT_EQ(noting.seen->size() + static_cast<std::size_t>(busy), 8u);
}

}  // namespace
}  // namespace flare::server::test
