// Completes messages: sends the receipt to the sender, and remembers it for repeats.
//
// Threads: its worker's.
// Owner:   Shard.
#pragma once

#include "server/dispatch/receipts.hpp"
#include "server/worker/counters.hpp"
#include "server/worker/executor.hpp"

#include <utility>

namespace flare::server {

class Answers {
public:
    Answers(Executor& executor, session::SessionTable& table, Counters& counters)
        : executor_(executor), table_(table), counters_(counters) {}

    void give(const session::PendingMessage& pending, session::Receipt receipt) {
        if (receipt.status == wire::ReceiptStatus::refused) count_refusal(receipt.code);
        table_.finish(pending, std::move(receipt), nullptr, executor_.now());
    }
    void refuse(const session::PendingMessage& pending, errc code) { give(pending, make_refusal(code)); }
    void refuse(const session::PendingMessage& pending, errc code, std::string_view text) {
        give(pending, make_refusal(code, text));
    }
    void count_refusal(errc code) {
        ++counters_.messages_refused;
        ++counters_.errors[code];
    }

private:
    Executor& executor_;
    session::SessionTable& table_;
    Counters& counters_;
};

}  // namespace flare::server
