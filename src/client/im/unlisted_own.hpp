// Own messages of conversations that are not in the list yet: their receipts may come before the page, or the `began`,
// that names the conversation, which may end below them. No feed tells them, so they are kept until then.
//
// Protocol: docs/protocol.md, "Own messages", "Conversations that are new in the list".
// Threads:  its client's I/O thread.
// Owner:    Sync.
#pragma once

#include <flare/conversation.hpp>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace flare::client {

class UnlistedOwn {
public:
    // Of more, the oldest are forgotten: the list lacks their text then, and counts them all the same.
    static constexpr std::size_t kMost = 256;
    static constexpr std::size_t kMostBytes = 256 * 1024;

    // `entry`: with its offset.
    void keep(const std::string& conversation, std::uint64_t epoch, Entry entry) {
        bytes_ += entry.payload.size();
        all_.push_back({conversation, epoch, std::move(entry)});
        while (all_.size() > kMost || bytes_ > kMostBytes) {
            bytes_ -= all_.front().entry.payload.size();
            all_.pop_front();
        }
    }
    // Those of a conversation that is listed now, above `last`, in the order of their receipts. The others of it go.
    std::vector<Entry> take(std::string_view conversation, const Position& last) {
        std::vector<Entry> taken;
        std::erase_if(all_, [&](Kept& each) {
            if (each.conversation != conversation) return false;
            bytes_ -= each.entry.payload.size();
            if (each.epoch == last.epoch && each.entry.offset > last.offset) taken.push_back(std::move(each.entry));
            return true;
        });
        return taken;
    }

private:
    struct Kept {
        std::string conversation;
        std::uint64_t epoch = 0;
        Entry entry;
    };
    std::deque<Kept> all_;
    std::size_t bytes_ = 0;  // of their payloads
};

}  // namespace flare::client
