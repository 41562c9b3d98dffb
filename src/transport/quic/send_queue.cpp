#include "transport/quic/send_queue.hpp"

#include <algorithm>
#include <cstring>

namespace flare::transport::quic {
namespace {

constexpr std::size_t kFewPieces = 4;
// Most streams have a message or two on their way. Thousands of large blocks, freed at different times, leave holes
// that nothing else fits in.
constexpr std::size_t kFirstBlockBytes = 512;
constexpr std::size_t kBlockBytes = 4096;

}  // namespace

void SendQueue::copy(std::string_view bytes) {
    end_ += bytes.size();
    while (!bytes.empty()) {
        if (pieces_.empty() || pieces_.back().full()) {
            const std::size_t capacity = pieces_.empty() ? kFirstBlockBytes : kBlockBytes;
            pieces_.emplace_back().block = base::make_block(capacity);
        }
        Piece& piece = pieces_.back();
        const std::size_t part = std::min(bytes.size(), piece.block.get_deleter().size - piece.size);
        std::memcpy(piece.block.get() + piece.size, bytes.data(), part);
        piece.size += part;
        bytes.remove_prefix(part);
    }
}

void SendQueue::share(const Bytes& bytes) {
    if (bytes.empty()) return;
    end_ += bytes.size();
    Piece& piece = pieces_.emplace_back();
    piece.shared = bytes;
    piece.size = bytes.size();
}

std::size_t SendQueue::next(ngtcp2_vec* vectors, std::size_t capacity) {
    std::size_t used = 0;
    std::size_t offset = cursor_offset_;
    for (std::size_t i = cursor_; i < pieces_.size() && used < capacity; ++i) {
        const Piece& piece = pieces_[i];
        if (offset < piece.size) {
            auto* const base = reinterpret_cast<std::uint8_t*>(const_cast<char*>(piece.data()));
            vectors[used++] = {base + offset, piece.size - offset};
        }
        offset = 0;
    }
    return used;
}

void SendQueue::sent(std::size_t bytes) {
    sent_ += bytes;
    while (bytes > 0) {
        const std::size_t part = std::min(bytes, pieces_[cursor_].size - cursor_offset_);
        cursor_offset_ += part;
        bytes -= part;
        // The last block may still grow: the cursor stays in it.
        if (cursor_offset_ == pieces_[cursor_].size && cursor_ + 1 < pieces_.size()) {
            ++cursor_;
            cursor_offset_ = 0;
        }
    }
}

void SendQueue::acked(std::uint64_t offset) {
    acked_ = std::max(acked_, std::min(offset, sent_));
    if (acked_ == end_) {
        // Idle streams hold no memory to speak of.
        if (pieces_.capacity() > kFewPieces) pieces_ = Pieces();
        pieces_.clear();
        gone_ = cursor_ = cursor_offset_ = 0;
        first_ = end_;
        return;
    }
    while (gone_ < cursor_ && first_ + pieces_[gone_].size <= acked_) {
        first_ += pieces_[gone_].size;
        pieces_[gone_++] = Piece();
    }
    if (gone_ > kFewPieces && gone_ * 2 > pieces_.size()) {
        pieces_.erase(pieces_.begin(), pieces_.begin() + static_cast<std::ptrdiff_t>(gone_));
        cursor_ -= gone_;
        gone_ = 0;
    }
}

}  // namespace flare::transport::quic
