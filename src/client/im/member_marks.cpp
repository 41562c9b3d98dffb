#include "client/im/member_marks.hpp"

#include "wire/sync.hpp"

#include <algorithm>

namespace flare::client {

MemberMarks::Left::iterator MemberMarks::find_left(const std::string& user) {
    return std::ranges::find(left_, user, [](const auto& each) { return each.first; });
}

std::optional<UserMark> MemberMarks::on_told(const UserMark& mark) {
    const auto left = find_left(mark.user);
    if (left != left_.end() && std::max(mark.read, mark.delivered) <= left->second) return std::nullopt;
    auto at = std::ranges::lower_bound(marks_, mark.user, {}, &UserMark::user);
    if (at == marks_.end() || at->user != mark.user) {
        if (marks_.size() >= wire::im::kMaxOthers) return std::nullopt;
        at = marks_.insert(at, UserMark{mark.user});
    }
    const UserMark before = *at;
    at->read = std::max(at->read, mark.read);
    at->delivered = std::max({at->delivered, mark.delivered, at->read});
    if (*at == before) return std::nullopt;
    return *at;
}

void MemberMarks::on_left(const std::string& user, std::uint64_t offset) {
    std::erase_if(marks_, [&](const UserMark& each) { return each.user == user && each.delivered <= offset; });
    const auto before = find_left(user);
    if (before != left_.end()) {
        if (before->second >= offset) return;
        left_.erase(before);
    } else if (left_.size() == wire::im::kMaxOthers) {
        left_.erase(left_.begin());
    }
    left_.emplace_back(user, offset);
}

}  // namespace flare::client
