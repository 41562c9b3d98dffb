#include "im/fed_conversation.hpp"

namespace flare::im {

FedConversation* FedConversations::find(const model::ConversationKey& key) const {
    const auto found = by_key_.find(key.text());
    return found == by_key_.end() ? nullptr : found->second.get();
}

FedConversation& FedConversations::find_or_make(const model::ConversationKey& key) {
    if (FedConversation* const present = find(key); present != nullptr) return *present;
    if (free_.empty()) {
        free_.push_back(static_cast<std::uint32_t>(by_index_.size()));
        by_index_.push_back(nullptr);
    }
    auto made = std::make_unique<FedConversation>(key, free_.back());
    free_.pop_back();
    FedConversation& conversation = *made;
    by_index_[conversation.index] = &conversation;
    by_key_.emplace(conversation.key.text(), std::move(made));
    return conversation;
}

void FedConversations::erase(FedConversation& conversation) {
    by_index_[conversation.index] = nullptr;
    free_.push_back(conversation.index);
    by_key_.erase(by_key_.find(conversation.key.text()));
}

}  // namespace flare::im
