// Which Hellos of a session have attached a carrier, so that nobody attaches another with a copy of one. A client
// counts its epoch up for every Hello, and the proof covers it: the epoch names the Hello.
//
// Protocol: docs/protocol.md, "Tickets".
// Threads:  its owner's.
// Owner:    ServerSession.
#pragma once

#include <cstdint>

namespace flare::session {

// Racing carriers arrive in any order: a window of epochs below the highest one knows each by itself. Below the window
// all count as used: an honest client has said so many Hellos since then that it needs no answer to that one.
class UsedEpochs {
public:
    static constexpr std::uint64_t kWindow = 64;

    bool has(std::uint64_t epoch) const noexcept {
        if (used_ == 0 || epoch > highest_) return false;
        const std::uint64_t behind = highest_ - epoch;
        return behind >= kWindow || (used_ >> behind & 1) != 0;
    }

    void add(std::uint64_t epoch) noexcept {
        if (used_ == 0) {
            highest_ = epoch;
            used_ = 1;
        } else if (epoch > highest_) {
            const std::uint64_t ahead = epoch - highest_;
            used_ = (ahead < kWindow ? used_ << ahead : 0) | 1;
            highest_ = epoch;
        } else if (highest_ - epoch < kWindow) {
            used_ |= std::uint64_t{1} << (highest_ - epoch);
        }
    }

private:
    std::uint64_t highest_ = 0;
    std::uint64_t used_ = 0;  // bit i: highest_ - i; 0: none yet
};

}  // namespace flare::session
