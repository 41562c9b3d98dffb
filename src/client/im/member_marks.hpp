// How far the other members of one conversation have come, by user.
//
// Whoever leaves takes their mark along. States and entries do not wait for each other: a mark of the membership before
// may come behind the entry that ends it, and one of the next membership ahead of it. The former is at that entry at
// most, and the latter above it.
//
// Protocol: docs/client.md, "Marks of others".
// Threads:  its client's I/O thread.
// Owner:    ConversationList.
#pragma once

#include <flare/conversation.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace flare::client {

class MemberMarks {
public:
    // What is known now; nothing: it is no news, or there are too many.
    std::optional<UserMark> on_told(const UserMark& mark);
    // The entry there says that they are no member.
    void on_left(const std::string& user, std::uint64_t offset);

    const std::vector<UserMark>& all() const noexcept { return marks_; }

private:
    using Left = std::vector<std::pair<std::string, std::uint64_t>>;
    Left::iterator find_left(const std::string& user);

    std::vector<UserMark> marks_;  // by user
    Left left_;                    // and the offset of that; those who left last, the newest last
};

}  // namespace flare::client
