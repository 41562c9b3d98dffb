// The messages of one conversation as an application keeps them: as it was told them, with what it was told of each
// since then. Whoever was there and whoever was away have the same in the end (docs/conversations.md, "Changes").
#pragma once

#include <flare/uuid.hpp>

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>

namespace flare::sim {

class Shelf {
public:
    struct Message {
        Uuid id{};
        std::string payload{};
        bool deleted = false;
        std::map<std::string, std::set<std::string>> reactions{};  // by key: the users
    };

    // Also again: what was told of it follows again, too.
    void put(std::uint64_t offset, const Uuid& id, std::string_view payload) {
        messages_[offset] = {id, std::string(payload), false, {}};
    }
    // What is not kept is passed over.
    void edit(std::uint64_t offset, std::string_view payload) {
        if (Message* const message = find(offset)) message->payload = payload;
    }
    void remove(std::uint64_t offset) {
        Message* const message = find(offset);
        if (message == nullptr) return;
        message->deleted = true;
        message->payload.clear();
        message->reactions.clear();
    }
    void react(std::uint64_t offset, const std::string& key, const std::string& user, bool taken_back) {
        Message* const message = find(offset);
        if (message == nullptr) return;
        std::set<std::string>& users = message->reactions[key];
        taken_back ? (void)users.erase(user) : (void)users.insert(user);
        if (users.empty()) message->reactions.erase(key);
    }
    // Something may have been done to them that is not told.
    void forget() { messages_.clear(); }

    const std::map<std::uint64_t, Message>& messages() const noexcept { return messages_; }

private:
    Message* find(std::uint64_t offset) {
        const auto found = messages_.find(offset);
        return found == messages_.end() ? nullptr : &found->second;
    }

    std::map<std::uint64_t, Message> messages_;
};

}  // namespace flare::sim
