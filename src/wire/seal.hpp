// Encrypted batches: what travels on a carrier once both sides have agreed on keys. Frames of one channel that leave
// together are sealed together. Each sealed frame must have the next number of its channel.
//
// Protocol: docs/protocol.md, "Sealing"; docs/wire.md, "Sealed".
// Threads:  one at a time.
// Owner:    a sealed carrier; the keys are those of one carrier.
#pragma once

#include "wire/batch.hpp"
#include "wire/noise.hpp"

#include <array>
#include <string>
#include <string_view>

namespace flare::wire {

// What both sides mix into the handshake: another meaning of what follows would have another text.
inline constexpr std::string_view kSealPrologue = "flare.v1 seal 1";

inline constexpr std::uint32_t kSealChannels = 1 + kMaxLanes;  // 0: frames without a number; 1 + lane

// The sealing half of one direction.
class Sealer {
public:
    // apart: lanes are channels of their own, because the carrier lets them overtake each other. Otherwise everything
    // is of channel 0, in the order in which it travels.
    Sealer(const Key& key, bool apart) noexcept : key_(key), apart_(apart) {}
    ~Sealer() { base::wipe(key_); }
    Sealer(Sealer&&) = default;
    Sealer& operator=(Sealer&&) = delete;

    // Appends `plain`, sealed, to `sealed`.
    void seal(const Batch& plain, Batch& sealed);

private:
    void seal_run(BatchBytes& from, std::size_t bytes, LaneIndex lane, bool numbered, Batch& sealed);

    Key key_;
    bool apart_;
    bool spoken_ = false;
    std::array<std::uint64_t, kSealChannels> next_{};
};

// The opening half.
class Opener {
public:
    explicit Opener(const Key& key) noexcept : key_(key) {}
    ~Opener() { base::wipe(key_); }
    Opener(Opener&&) = default;
    Opener& operator=(Opener&&) = delete;

    // Replaces `plain` by what was sealed: a batch. Its memory is kept, and grows to the size of `batch` at most.
    // Error: seal_broken: it is not exactly what the peer sealed next on its channel. `plain` is empty then, and
    // nothing more may be opened.
    Result<void> open(std::string_view batch, std::string& plain);

private:
    Key key_;
    std::array<std::uint64_t, kSealChannels> next_{};
};

// ---- the frame before ----

// The batch that has this alone.
inline void add_seal(Batch& batch, const Seal& seal) { batch.add({}, encode(seal)); }
// Whether the first frame of a batch is a Seal, whatever is in it.
bool begins_with_seal(std::string_view batch) noexcept;
// Errors: unexpected_frame: something else, or more than that; malformed_frame.
Result<Seal> read_seal(std::string_view batch);

}  // namespace flare::wire
