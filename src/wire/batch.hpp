// Batches, the unit that a carrier transports: frames, each preceded by its length as a varint.
//
// Protocol: docs/wire.md, "Batches".
// Threads:  one at a time.
// Owner:    a worker keeps one Batch and reuses its memory; a carrier takes what a full socket left over.
#pragma once

#include "wire/frame.hpp"

#include <string>
#include <vector>

namespace flare::wire {

// Collects frames for one write. Small bodies are copied behind their header; large ones are shared and
// go out by gather write. clear() keeps the memory.
class Batch {
public:
    // Bodies up to this many bytes are copied: cheaper than one more element of the gather write.
    static constexpr std::size_t kCopyUpTo = 2048;

    void add(const FrameHeader& header, const Body& body);
    // A frame without body: acks only.
    void add(const FrameHeader& header);
    // A chunk of `total` bytes (first piece: total > 0) whose part is a slice of an encoded body's content. `kind`: as
    // in ChunkView; a part with one is copied, whatever its size.
    void add_chunk(const FrameHeader& header, std::uint64_t total, const Bytes& part, std::uint32_t kind = 0);
    // Encodes `data` in place, without a Body: no allocation once the Batch has grown.
    void add_data(const FrameHeader& header, const DataView& data);
    // A sealed frame that travels as if its header had this lane, and a number or none. Returns where its `ciphertext`
    // bytes (at least 1) go, which must be written before anything else is added.
    char* add_sealed(LaneIndex lane, bool numbered, std::uint64_t nonce, std::size_t ciphertext);

    std::size_t frames() const noexcept { return marks_.size(); }
    std::size_t bytes() const noexcept { return bytes_; }
    bool empty() const noexcept { return marks_.empty(); }
    void clear() noexcept;

    // The batch in order: for each segment, `head_bytes` bytes of head() (which follow those of the segment
    // before), then `shared` (empty at most in the last segment).
    struct Segment {
        std::size_t head_bytes = 0;
        Bytes shared;
    };
    std::string_view head() const noexcept { return {head_.data(), head_size_}; }
    const std::vector<Segment>& segments() const noexcept { return segments_; }
    // One for each frame, in order: what a transport needs to give lanes streams of their own.
    struct Mark {
        LaneIndex lane = 0;
        bool numbered = false;  // false: it belongs to no lane
        std::size_t bytes = 0;  // with its length prefix
    };
    const std::vector<Mark>& marks() const noexcept { return marks_; }
    std::string str() const;  // all of it in one string: tests, JSON

private:
    // Room for a frame of `length` bytes, the last `shared` of which stay where they are. Returns where its own
    // bytes go, behind the length prefix.
    char* begin_frame(const FrameHeader& header, std::size_t length, std::size_t shared);

    // Invariant: the segments' head_bytes add up to head_size_.
    std::string head_;  // memory that has been grown; head_size_ bytes of it are in use
    std::size_t head_size_ = 0;
    std::vector<Segment> segments_;
    std::vector<Mark> marks_;
    std::size_t bytes_ = 0;
};

// Walks over the bytes of a batch, which must not change meanwhile.
class BatchBytes {
public:
    explicit BatchBytes(const Batch& batch) noexcept : batch_(batch) {}
    // The next bytes that lie together, at most so many; empty: these were all. Precondition: most > 0.
    std::string_view next(std::size_t most) noexcept;

private:
    const Batch& batch_;
    std::size_t segment_ = 0;
    std::size_t in_segment_ = 0;  // own bytes and shared ones
    std::size_t in_heads_ = 0;    // of all segments
};

// Reads the frames of one batch. The views live as long as `batch`.
class BatchReader {
public:
    explicit BatchReader(std::string_view batch, std::size_t max_frame_bytes = kMaxFrameBytes) noexcept
        : rest_(batch), max_frame_bytes_(max_frame_bytes) {}
    bool done() const noexcept { return rest_.empty(); }
    std::string_view rest() const noexcept { return rest_; }  // what has not been read yet
    // Precondition: !done(). Errors: malformed_frame, frame_too_large; after an error the reader is done.
    // On success `frame` holds the next frame (a reference, so that a caller's loop reuses one object).
    Result<void> next(FrameView& frame) noexcept;

private:
    std::string_view rest_;
    std::size_t max_frame_bytes_;
};

// One frame without its length prefix.
// The front of a batch that has at most `most` frames, and how many it has. A frame that cannot be read belongs to it.
struct Front {
    std::string_view bytes;
    std::size_t frames = 0;
};
Front front_of(std::string_view batch, std::size_t most) noexcept;

Result<void> decode_frame(std::string_view bytes, FrameView& frame) noexcept;

}  // namespace flare::wire
