// Entries and pages as a list of conversations gets them.
#pragma once

#include "client/im/list.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace flare::client::test {

inline constexpr std::uint64_t kEpoch = 7;

inline wire::im::Entry entry_of(std::uint64_t offset, std::string_view from, std::uint64_t messages = 0) {
    wire::im::Entry entry;
    entry.offset = offset;
    entry.kind = model::EntryKind::message;
    entry.id.bytes[15] = static_cast<std::uint8_t>(offset);
    entry.from = from;
    entry.time_ms = static_cast<std::int64_t>(1'000 * offset);
    entry.type = "text";
    entry.payload = "hello";
    entry.messages = messages;
    return entry;
}

// A message of bob's that names these users.
inline wire::im::Entry mention_of(std::uint64_t offset, std::vector<std::string_view> users) {
    wire::im::Entry entry = entry_of(offset, "bob");
    entry.flags = model::kNamesUsers;
    entry.mentions = std::move(users);
    return entry;
}

// As a page names it: the log ends at `last`, and the page has the entries from `first` on.
struct Listing {
    std::string name = "room:tea";
    std::uint64_t last = 0;
    std::uint64_t mark = 0;
    std::uint32_t unread = 0;
    std::vector<wire::im::Entry> entries{};
    bool more = false;
    std::uint64_t epoch = kEpoch;
    std::uint32_t mentions = 0;

    wire::im::SyncedConversation wire() const {
        wire::im::SyncedConversation from;
        from.about.emplace();
        from.about->conversation = name;
        from.about->head = wire::im::Head{epoch, 1, last, last};
        from.about->role = model::Role::member;
        from.about->members = 2;
        from.last_ms = static_cast<std::int64_t>(1'000 * last);
        from.mark = wire::im::ReadMark{mark, unread, more};
        from.mark->mentions = mentions;
        from.entries = entries;
        return from;
    }
};

}  // namespace flare::client::test
