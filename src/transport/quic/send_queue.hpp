// Bytes of one stream that are not acknowledged yet. They stay where they are until then: QUIC sends them again from
// here. Small pieces are copied into blocks, large shared ones are referenced.
//
// Threads: one.
// Owner:   Stream.
#pragma once

#include <flare/bytes.hpp>

#include "base/pool.hpp"

#include <ngtcp2/ngtcp2.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

namespace flare::transport::quic {

class SendQueue {
public:
    void copy(std::string_view bytes);
    void share(const Bytes& bytes);

    std::size_t unsent() const noexcept { return static_cast<std::size_t>(end_ - sent_); }
    std::size_t unacked() const noexcept { return static_cast<std::size_t>(end_ - acked_); }
    bool empty() const noexcept { return end_ == acked_; }

    // The next bytes to send, in at most `capacity` vectors; returns how many are used.
    std::size_t next(ngtcp2_vec* vectors, std::size_t capacity);
    void sent(std::size_t bytes);
    // Nothing of it has arrived: all goes again, on another stream.
    void restart() noexcept { sent_ = cursor_ = cursor_offset_ = 0; }  // gone_ and first_ are 0 still
    // The peer has everything before this offset of the stream.
    void acked(std::uint64_t offset);

private:
    struct Piece {
        base::PooledBlock block;  // own bytes, `size` of its own in use; null: shared ones
        Bytes shared;
        std::size_t size = 0;
        bool full() const noexcept { return !block || size == block.get_deleter().size; }
        const char* data() const noexcept { return block ? block.get() : shared.view().data(); }
    };

    using Pieces = std::vector<Piece, base::PoolAllocator<Piece>>;
    Pieces pieces_;  // those before gone_ have been acknowledged
    std::size_t gone_ = 0;
    std::uint64_t first_ = 0;  // stream offset of the first byte of pieces_[gone_]; invariant: first_ <= acked_
    std::uint64_t acked_ = 0;  // acked_ <= sent_ <= end_
    std::uint64_t sent_ = 0;
    std::uint64_t end_ = 0;
    std::size_t cursor_ = 0;  // the piece that sent_ is in
    std::size_t cursor_offset_ = 0;
};

}  // namespace flare::transport::quic
