// What tests of a client's cache put into it.
#pragma once

#include "client/cache/cache_file.hpp"
#include "support/folder.hpp"
#include "wire/frame.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

namespace flare::client::test {

inline Uuid kept_id(std::uint64_t number) {
    Uuid made;
    made.bytes[0] = 1;
    made.bytes[14] = static_cast<std::uint8_t>(number >> 8);
    made.bytes[15] = static_cast<std::uint8_t>(number);
    return made;
}

inline Entry kept_entry(std::uint64_t offset, std::string text = "hello") {
    Entry entry;
    entry.offset = offset;
    entry.kind = EntryKind::message;
    entry.id = kept_id(offset);
    entry.from = "bob";
    entry.time = std::chrono::system_clock::time_point(std::chrono::seconds(offset % 1'000'000));
    entry.type = "text";
    entry.payload = Bytes(text);
    entry.messages = offset;
    return entry;
}

inline KeptMessage kept_message(std::uint64_t number, const std::string& to = "bob", std::string text = "hello") {
    wire::MessageView view;
    view.id = kept_id(number);
    view.type = "text";
    view.payload = text;
    view.to = to;
    view.timestamp_ms = 1'000;
    return {view.id, wire::encode_message(view), Priority::high};
}

// Entries first..last of a log, told one after the other.
inline CacheChanges told(const std::string& conversation, std::uint64_t first, std::uint64_t last,
                         std::uint64_t epoch = 7, const std::string& text = "hello") {
    CacheChanges changes;
    KeptChanges& kept = changes.conversations[conversation];
    for (std::uint64_t offset = first; offset <= last; ++offset)
        kept.entries.emplace_back(epoch, kept_entry(offset, text));
    kept.upto = ToldUpto{{epoch, last}, kept_id(last)};
    return changes;
}

inline std::string offsets(const HistoryPage& page) {
    std::string all;
    for (const Entry& entry : page.entries) all += (all.empty() ? "" : " ") + std::to_string(entry.offset);
    return all + (page.more ? " ..." : "");
}

inline std::string ids(const std::vector<KeptMessage>& outbox) {
    std::string all;
    for (const KeptMessage& each : outbox) all += (all.empty() ? "" : " ") + std::to_string(each.id.bytes[15]);
    return all;
}

}  // namespace flare::client::test
