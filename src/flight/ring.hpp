// The last lines of a flight record, bounded in number and bytes, after a permanent first line that identifies the
// client. Lines about conversations have bounds of their own: a client with many subscriptions writes hundreds of them
// at once, and they must not push out what happened to its connections.
//
// Threads: one at a time.
// Owner:   client::Recorder.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>

namespace flare::flight {

class Ring {
public:
    enum class Of : std::uint8_t { connections, conversations };
    struct Bounds {
        std::size_t lines = 0;
        std::size_t bytes = 0;  // of the lines; beyond either the oldest go
    };
    static constexpr Bounds bounds(Of of) {
        return of == Of::connections ? Bounds{512, 128 * 1024} : Bounds{256, 64 * 1024};
    }

    void head(std::string line) { head_ = std::move(line); }
    void add(std::string line, Of of = Of::connections);
    // Everything in the order in which it was added, each line with its end.
    std::string text() const;
    std::size_t lines() const noexcept { return parts_[0].lines.size() + parts_[1].lines.size(); }

private:
    struct Kept {
        std::uint64_t number = 0;  // ascending
        std::string line;
    };
    struct Part {
        std::deque<Kept> lines;
        std::size_t bytes = 0;  // of lines
    };
    std::string head_;
    std::array<Part, 2> parts_;  // by Of
    std::uint64_t next_ = 0;
};

}  // namespace flare::flight
