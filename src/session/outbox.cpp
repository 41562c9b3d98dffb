#include "session/outbox.hpp"

namespace flare::session {

Result<Outbox::Token> Outbox::add(Entry entry) {
    if (by_id_.contains(entry.id)) return errc::duplicate_message_id;
    if (entries_.size() >= limits_.messages || bytes_ + entry.payload_bytes > limits_.bytes) return errc::outbox_full;
    const Token token = next_++;
    bytes_ += entry.payload_bytes;
    by_id_.emplace(entry.id, token);
    entries_.emplace(token, std::move(entry));
    return token;
}

Outbox::Entry* Outbox::find(Token token) {
    const auto found = entries_.find(token);
    return found == entries_.end() ? nullptr : &found->second;
}

Outbox::Entry* Outbox::find(const Uuid& id, Token* token) {
    const auto found = by_id_.find(id);
    if (found == by_id_.end()) return nullptr;
    if (token != nullptr) *token = found->second;
    return find(found->second);
}

void Outbox::erase(Token token) {
    const auto found = entries_.find(token);
    if (found == entries_.end()) return;
    bytes_ -= found->second.payload_bytes;
    by_id_.erase(found->second.id);
    entries_.erase(found);
}

void Outbox::for_each(const std::function<void(Token, Entry&)>& each) {
    for (auto& [token, entry] : entries_) each(token, entry);
}

}  // namespace flare::session
