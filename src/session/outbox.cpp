#include "session/outbox.hpp"

#include "base/assert.hpp"

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

void Outbox::for_each(const std::function<void(Token, const Entry&)>& each) const {
    for (const auto& [token, entry] : entries_) each(token, entry);
}

void Outbox::check_invariants() const {
    std::size_t bytes = 0;
    for (const auto& [token, entry] : entries_) {
        bytes += entry.payload_bytes;
        const auto found = by_id_.find(entry.id);
        FLARE_INVARIANT(found != by_id_.end() && found->second == token, "a message is not found by its id");
    }
    FLARE_INVARIANT(by_id_.size() == entries_.size(), "an id is left of a message that is gone");
    FLARE_INVARIANT(bytes == bytes_, "bytes are counted wrong");
    FLARE_INVARIANT(entries_.empty() || entries_.rbegin()->first < next_, "a token comes again");
}

}  // namespace flare::session
