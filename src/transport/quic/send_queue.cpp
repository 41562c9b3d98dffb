#include "transport/quic/send_queue.hpp"

#include <algorithm>
#include <cstring>

namespace flare::transport::quic {

void SendQueue::copy(std::string_view bytes) {
    end_ += bytes.size();
    while (!bytes.empty()) {
        if (pieces_.empty() || !pieces_.back().block || pieces_.back().size == kBlockBytes) {
            pieces_.emplace_back();
            pieces_.back().block = std::make_unique_for_overwrite<char[]>(kBlockBytes);
        }
        Piece& piece = pieces_.back();
        const std::size_t part = std::min(bytes.size(), kBlockBytes - piece.size);
        std::memcpy(piece.block.get() + piece.size, bytes.data(), part);
        piece.size += part;
        bytes.remove_prefix(part);
    }
}

void SendQueue::share(const Bytes& bytes) {
    if (bytes.empty()) return;
    end_ += bytes.size();
    pieces_.emplace_back();
    pieces_.back().shared = bytes;
    pieces_.back().size = bytes.size();
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
    while (cursor_ > 0 && first_ + pieces_.front().size <= acked_) {
        first_ += pieces_.front().size;
        pieces_.pop_front();
        --cursor_;
    }
    if (acked_ == end_) {
        pieces_.clear();
        cursor_ = cursor_offset_ = 0;
        first_ = end_;
    }
}

}  // namespace flare::transport::quic
