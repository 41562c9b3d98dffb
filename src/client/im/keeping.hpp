// What of an event is kept when the application has been told it. It goes with the event, after the callback.
//
// Threads: made on the client's I/O thread; from then on the event thread has it.
// Owner:   what an event is made from.
#pragma once

#include "client/cache/keeper.hpp"

#include <memory>
#include <string>
#include <utility>
#include <variant>

namespace flare::client {

class Keeping {
public:
    using What = std::variant<std::monostate, Entry, HistoryGap>;

    // Null: nothing is kept.
    static std::shared_ptr<Keeping> of(const std::shared_ptr<Keeper>& keeper, std::string conversation,
                                       const ToldUpto& upto) {
        return keeper ? std::make_shared<Keeping>(keeper, std::move(conversation), upto) : nullptr;
    }
    Keeping(std::shared_ptr<Keeper> keeper, std::string conversation, const ToldUpto& upto)
        : keeper_(std::move(keeper)), conversation_(std::move(conversation)), upto_(upto) {}
    Keeping(const Keeping&) = delete;
    Keeping& operator=(const Keeping&) = delete;
    ~Keeping() {
        if (auto* const entry = std::get_if<Entry>(&what_)) keeper_->told(conversation_, std::move(*entry), upto_);
        if (const auto* const gap = std::get_if<HistoryGap>(&what_)) keeper_->left_out(*gap, upto_);
    }

    // It is told now.
    void tells(What what) { what_ = std::move(what); }

private:
    const std::shared_ptr<Keeper> keeper_;
    const std::string conversation_;
    const ToldUpto upto_;
    What what_;
};

}  // namespace flare::client
