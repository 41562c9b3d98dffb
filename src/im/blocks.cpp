#include "im/blocks.hpp"

#include "base/assert.hpp"

#include <algorithm>
#include <utility>

namespace flare::im {

KeptBlocks::List::iterator KeptBlocks::add(Shelf& shelf, const BlockPtr& block, bool newest) {
    bytes_ += block->bytes;
    return kept_.insert(kept_.end(), Kept{block, &shelf, newest});
}

void KeptBlocks::add_newest(Shelf& shelf, const BlockPtr& block) {
    shelf.newest_.push_back(add(shelf, block, true));
    shelf.newest_bytes_ += block->bytes;
    shelf.entries_ += block->last - block->first + 1;
    while (shelf.newest_bytes_ > kMostNewestBytes || shelf.entries_ > kMostNewest) drop_first_newest(shelf);
    drop_beyond_limit();
}

void KeptBlocks::add_page(Shelf& shelf, const BlockPtr& block) {
    shelf.pages_.push_back(add(shelf, block, false));
    shelf.page_bytes_ += block->bytes;
    while (shelf.page_bytes_ > kMostPageBytes && shelf.pages_.size() > 1) drop_page(shelf, 0);
    drop_beyond_limit();
}

void KeptBlocks::drop_pages(Shelf& shelf) {
    while (!shelf.pages_.empty()) drop_page(shelf, shelf.pages_.size() - 1);
}

void KeptBlocks::clear(Shelf& shelf) {
    drop_pages(shelf);
    for (const auto& each : shelf.newest_) drop(each);
    shelf = {};
}

void KeptBlocks::drop_first_newest(Shelf& shelf) {
    const List::iterator first = shelf.newest_.front();
    shelf.newest_bytes_ -= first->block->bytes;
    shelf.entries_ -= first->block->last - first->block->first + 1;
    shelf.newest_.erase(shelf.newest_.begin());
    drop(first);
}

void KeptBlocks::drop_page(Shelf& shelf, std::size_t at) {
    const List::iterator page = shelf.pages_[at];
    shelf.page_bytes_ -= page->block->bytes;
    shelf.pages_.erase(shelf.pages_.begin() + static_cast<std::ptrdiff_t>(at));
    drop(page);
}

void KeptBlocks::drop(List::iterator kept) {
    bytes_ -= kept->block->bytes;
    kept_.erase(kept);
}

// Not the one that has just come, whoever it is for reads it now.
void KeptBlocks::drop_beyond_limit() {
    while (bytes_ > most_bytes_ && kept_.size() > 1) {
        const List::iterator first = kept_.begin();
        Shelf& shelf = *first->shelf;
        if (first->newest) {
            drop_first_newest(shelf);  // what came first of all came first of its conversation
        } else {
            const auto at = std::find(shelf.pages_.begin(), shelf.pages_.end(), first);
            drop_page(shelf, static_cast<std::size_t>(at - shelf.pages_.begin()));
        }
    }
}

const BlockPtr* KeptBlocks::find(const Shelf& shelf, std::uint64_t first, EncodingSet encodings) {
    const auto fits = [&](const Block& block) { return block.first == first && (block.encodings & ~encodings) == 0; };
    const auto at =
        std::ranges::lower_bound(shelf.newest_, first, {}, [](const auto& each) { return each->block->first; });
    if (at != shelf.newest_.end() && fits(*(*at)->block)) return &(*at)->block;
    const auto page = std::ranges::find_if(shelf.pages_, [&](const auto& each) { return fits(*each->block); });
    return page == shelf.pages_.end() ? nullptr : &(*page)->block;
}

std::uint64_t KeptBlocks::page_end(const Shelf& shelf, std::uint64_t first, std::uint64_t last) {
    const auto at =
        std::ranges::lower_bound(shelf.newest_, first, {}, [](const auto& each) { return each->block->last; });
    if (at == shelf.newest_.end()) return last;
    const Block& block = *(*at)->block;
    return std::min(last, block.first > first ? block.first - 1 : block.last);
}

void KeptBlocks::check_invariants() const {
    std::size_t bytes = 0;
    for (const Kept& each : kept_) {
        bytes += each.block->bytes;
        const auto& among = each.newest ? each.shelf->newest_ : each.shelf->pages_;
        FLARE_INVARIANT(std::ranges::any_of(among, [&](const auto& at) { return &*at == &each; }),
                        "a block is kept for nobody");
    }
    FLARE_INVARIANT(bytes == bytes_, "the bytes of kept blocks are counted wrong");
    FLARE_INVARIANT(bytes_ <= most_bytes_ || kept_.size() == 1, "more blocks are kept than may be");
}

}  // namespace flare::im
