// Messages that are on their way into logs, each under a token by which a state machine names it.
//
// Threads: its worker's.
// Owner:   ConversationHome.
#pragma once

#include "im/effects.hpp"
#include "server/conversations/outgoing.hpp"

#include <cstddef>
#include <memory>
#include <utility>
#include <vector>

namespace flare::server {

class KeptMessages {
public:
    im::Token keep(std::shared_ptr<StoredMessage> message) {
        if (free_.empty()) {
            kept_.push_back(std::move(message));
            return kept_.size();
        }
        const im::Token token = free_.back();
        free_.pop_back();
        kept_[token - 1] = std::move(message);
        return token;
    }
    void release(im::Token token) {
        kept_[token - 1] = nullptr;
        free_.push_back(token);
    }
    // Precondition: it is kept.
    const std::shared_ptr<StoredMessage>& of(im::Token token) const noexcept { return kept_[token - 1]; }
    std::size_t size() const noexcept { return kept_.size() - free_.size(); }

private:
    std::vector<std::shared_ptr<StoredMessage>> kept_;  // by token - 1; null: free
    std::vector<im::Token> free_;
};

}  // namespace flare::server
