// One allocation holds the counter and, behind it, the bytes.
#include <flare/bytes.hpp>

#include "base/pool.hpp"

#include <algorithm>
#include <cstring>
#include <new>

namespace flare {

Bytes Bytes::allocate(std::size_t size) {
    Bytes made;
    if (size == 0) return made;
    void* memory = base::take(sizeof(Block) + size);
    made.block_ = new (memory) Block(size);
    made.data_ = static_cast<const char*>(memory) + sizeof(Block);
    made.size_ = size;
    return made;
}

Bytes::Bytes(std::string_view text) {
    Bytes made = make(text.size(), [&](char* out) { std::memcpy(out, text.data(), text.size()); });
    swap(made);
}

Bytes::Bytes(std::span<const std::byte> bytes)
    : Bytes(std::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size())) {}

void Bytes::release() noexcept {
    // The only holder needs no counting: nobody else can be taking a copy of this object's share.
    if (block_->references.load(std::memory_order_acquire) != 1 &&
        block_->references.fetch_sub(1, std::memory_order_acq_rel) != 1) {
        return;
    }
    const std::size_t size = sizeof(Block) + block_->size;
    block_->~Block();
    base::give(static_cast<void*>(block_), size);
}

Bytes Bytes::slice(std::size_t offset, std::size_t count) const noexcept {
    const std::size_t start = std::min(offset, size_);
    const std::size_t length = std::min(count, size_ - start);
    if (length == 0) return {};  // an empty part keeps no memory alive
    Bytes part = *this;
    part.data_ = data_ + start;
    part.size_ = length;
    return part;
}

Bytes Bytes::share(std::string_view part) const noexcept {
    if (part.empty()) return {};
    return slice(static_cast<std::size_t>(part.data() - data_), part.size());
}

}  // namespace flare
