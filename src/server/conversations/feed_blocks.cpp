#include "server/conversations/feed_blocks.hpp"

#include <utility>

namespace flare::server {
namespace {

// What an entry has beside its texts: numbers, the id and all lengths.
constexpr std::size_t kMostBesideEntry = 128;
constexpr std::size_t kMostBesideName = 8;  // of whom it mentions
static_assert(wire::im::kFeedBlockBytes / kMostBesideEntry <= wire::im::kMaxFeedEntries);

}  // namespace

void BlockWriter::add(const wire::im::Entry& entry, im::SessionKey sender) {
    std::size_t bytes = entry.from.size() + entry.type.size() + entry.payload.size() + kMostBesideEntry;
    for (const std::string_view name : entry.mentions) bytes += name.size() + kMostBesideName;
    if (bytes_ + bytes > wire::im::kFeedBlockBytes) end_block();
    if (feed_.entries.empty()) {
        about_.first = entry.offset;
        about_.sole_sender = sender;
    } else if (about_.sole_sender != sender) {
        about_.sole_sender = 0;
    }
    about_.last = entry.offset;
    if (entry.encoding != wire::Encoding::none) about_.encodings |= wire::set_of(entry.encoding);
    feed_.entries.push_back(entry);
    bytes_ += bytes;
}

void BlockWriter::add_gap(std::uint64_t first, std::uint64_t last, const wire::im::FeedReset& reset) {
    end_block();
    wire::im::Feed feed;
    feed.reset = reset;
    im::Block about;
    about.first = first;
    about.last = last;
    make(feed, about);
}

std::vector<im::BlockPtr> BlockWriter::finish() {
    end_block();
    return std::exchange(blocks_, {});
}

void BlockWriter::end_block() {
    if (feed_.entries.empty()) return;
    make(feed_, about_);
    feed_.entries.clear();
    about_ = {};
    bytes_ = 0;
}

void BlockWriter::make(const wire::im::Feed& feed, const im::Block& about) {
    auto block = std::make_shared<FeedBlock>();
    static_cast<im::Block&>(*block) = about;
    block->few = few_;
    block->body = wire::im::feed_body(feed);
    block->bytes = sizeof(FeedBlock) + block->body.bytes.size();
    blocks_.push_back(std::move(block));
}

}  // namespace flare::server
