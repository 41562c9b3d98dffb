// The last lines of a flight record, bounded in number and bytes, after a permanent first line that identifies the
// client.
//
// Threads: one at a time.
// Owner:   client::Recorder.
#pragma once

#include <cstddef>
#include <deque>
#include <string>

namespace flare::flight {

class Ring {
public:
    static constexpr std::size_t kMaxLines = 512;
    static constexpr std::size_t kMaxBytes = 128 * 1024;  // of the lines; beyond either the oldest go

    void head(std::string line) { head_ = std::move(line); }
    void add(std::string line);
    // Everything, each line with its end.
    std::string text() const;
    std::size_t lines() const noexcept { return lines_.size(); }

private:
    std::string head_;
    std::deque<std::string> lines_;
    std::size_t bytes_ = 0;  // of lines_
};

}  // namespace flare::flight
