// Blocks of a log as feeds give them: encoded once, for all subscribers.
//
// Protocol: docs/protocol.md, "Feeds"; docs/conversations.md, "Feeds".
// Threads:  a block any, it never changes; BlockWriter one.
#pragma once

#include "im/blocks.hpp"
#include "wire/compression.hpp"
#include "wire/feeds.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace flare::server {

// What every im::Block of this server is.
struct FeedBlock : im::Block {
    wire::Body body{};
};

inline const wire::Body& body_of(const im::Block& block) noexcept { return static_cast<const FeedBlock&>(block).body; }

// Makes blocks of entries that come in order: each of at most wire::im::kFeedBlockBytes, or of one entry.
class BlockWriter {
public:
    // few: im::Block::few.
    explicit BlockWriter(bool few) : few_(few) {}

    // What the entry's views show must live until finish(). `sender`: the session that sent it; 0: none that counts.
    void add(const wire::im::Entry& entry, im::SessionKey sender = 0);
    // The entries `first` to `last` are not there, which `reset` says.
    void add_gap(std::uint64_t first, std::uint64_t last, const wire::im::FeedReset& reset);
    std::vector<im::BlockPtr> finish();

private:
    void end_block();
    void make(const wire::im::Feed& feed, const im::Block& about);

    const bool few_;
    std::vector<im::BlockPtr> blocks_;
    wire::im::Feed feed_;
    im::Block about_;  // feed_
    std::size_t bytes_ = 0;
};

}  // namespace flare::server
