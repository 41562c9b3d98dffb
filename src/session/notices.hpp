// Hints that wait for the next write of their session: news of typing and of presence. They have no number and are kept
// for nobody: what does not fit is not taken, and what waits is lost with the last carrier.
//
// Protocol: docs/protocol.md, "Signals".
// Threads:  its worker only.
// Owner:    Attachments.
#pragma once

#include "wire/batch.hpp"

#include <cstddef>
#include <utility>
#include <vector>

namespace flare::session {

class Notices {
public:
    // Of those that wait. One is taken whatever its size, if none waits.
    static constexpr std::size_t kMost = 16;
    static constexpr std::size_t kMostBytes = 16 * 1024;

    // False: too much waits.
    bool add(wire::Body body) {
        if (!waiting_.empty() && (waiting_.size() == kMost || bytes_ + body.bytes.size() > kMostBytes)) return false;
        bytes_ += body.bytes.size();
        waiting_.push_back(std::move(body));
        return true;
    }
    bool empty() const noexcept { return waiting_.empty(); }
    void write(wire::Batch& batch) {
        for (const wire::Body& each : waiting_) batch.add({}, each);
        clear();
    }
    void clear() noexcept {
        waiting_ = {};
        bytes_ = 0;
    }

private:
    std::vector<wire::Body> waiting_;  // no memory while nothing waits
    std::size_t bytes_ = 0;
};

}  // namespace flare::session
