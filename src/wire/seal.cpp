#include "wire/seal.hpp"

#include "base/aead.hpp"

#include <algorithm>

namespace flare::wire {
namespace {

using base::Aead;

constexpr std::size_t kMaxPieceBytes = kMaxSealedBytes - base::kAeadTagBytes;

// A nonce: the number in its channel (there is no carrier that lives for 2^58 of them), whether the batch goes on in
// the next frame, the channel.
constexpr std::uint64_t kChannelMask = 31;
constexpr std::uint64_t kGoesOn = 32;
constexpr unsigned kNumberShift = 6;

}  // namespace

// The first batch begins with Hello or Welcome. What is behind it goes with it, as on a carrier without seals:
// docs/quic.md, "Streams".
void Sealer::seal(const Batch& plain, Batch& sealed) {
    const auto& marks = plain.marks();
    BatchBytes from(plain);
    if (marks.empty()) return;
    const bool together = !apart_ || (!spoken_ && !marks.front().numbered);
    spoken_ = true;
    if (together) return seal_run(from, plain.bytes(), 0, false, sealed);
    for (std::size_t i = 0; i < marks.size();) {
        const LaneIndex lane = marks[i].lane;
        const bool numbered = marks[i].numbered;
        std::size_t bytes = 0;
        for (; i < marks.size() && marks[i].numbered == numbered && (!numbered || marks[i].lane == lane); ++i)
            bytes += marks[i].bytes;
        seal_run(from, bytes, lane, numbered, sealed);
    }
}

void Sealer::seal_run(BatchBytes& from, std::size_t bytes, LaneIndex lane, bool numbered, Batch& sealed) {
    const std::uint64_t channel = numbered ? 1 + lane : 0;
    while (bytes > 0) {
        std::size_t piece = std::min(bytes, kMaxPieceBytes);
        bytes -= piece;
        const std::uint64_t nonce = next_[channel]++ << kNumberShift | (bytes > 0 ? kGoesOn : 0) | channel;
        char* out = sealed.add_sealed(lane, numbered, nonce, piece + base::kAeadTagBytes);
        Aead aead(Aead::Direction::seal, key_, nonce);
        while (piece > 0) {
            const std::string_view part = from.next(piece);
            aead.update(part, out);
            out += part.size();
            piece -= part.size();
        }
        aead.finish(out);
    }
}

Result<void> Opener::open(std::string_view batch, std::string& plain) {
    const auto broken = [&] {
        plain.clear();
        return errc::seal_broken;
    };
    plain.resize(batch.size());
    std::size_t used = 0;
    BatchReader reader(batch);
    FrameView frame;
    std::uint64_t channel = 0;
    bool goes_on = false;
    while (!reader.done()) {
        if (!reader.next(frame) || frame.kind != FrameKind::sealed) return broken();
        const auto sealed = decode_sealed(frame.body);
        if (!sealed || sealed->ciphertext.size() < base::kAeadTagBytes) return broken();
        const std::uint64_t of = sealed->nonce & kChannelMask;
        if (of >= kSealChannels || (goes_on && of != channel)) return broken();
        channel = of;
        if (sealed->nonce >> kNumberShift != next_[channel]++) return broken();
        goes_on = (sealed->nonce & kGoesOn) != 0;
        const std::string_view text = sealed->ciphertext.substr(0, sealed->ciphertext.size() - base::kAeadTagBytes);
        Aead aead(Aead::Direction::open, key_, sealed->nonce);
        aead.update(text, plain.data() + used);
        if (!aead.finish(sealed->ciphertext.substr(text.size()))) return broken();
        used += text.size();
    }
    if (goes_on) return broken();
    plain.resize(used);
    return {};
}

bool begins_with_seal(std::string_view batch) noexcept {
    BatchReader reader(batch);
    FrameView frame;
    return !reader.done() && reader.next(frame) && frame.kind == FrameKind::seal;
}

Result<Seal> read_seal(std::string_view batch) {
    BatchReader reader(batch);
    FrameView frame;
    if (reader.done()) return errc::unexpected_frame;
    if (const auto read = reader.next(frame); !read) return read.error();
    if (frame.kind != FrameKind::seal || !reader.done()) return errc::unexpected_frame;
    return decode_seal(frame.body);
}

}  // namespace flare::wire
