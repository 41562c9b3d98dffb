// Carriers ordered by deadline; all deadlines are set the same time ahead.
//
// Threads: its worker's.
// Owner:   Reception, for Hellos; Carriers, for ends.
#pragma once

#include "server/worker/server_carrier.hpp"

#include <deque>

namespace flare::server {

class DeadlineQueue {
public:
    void add(ServerCarrier& carrier, session::TimePoint deadline) {
        carrier.deadline = deadline;
        keys_.push_back(carrier.key);
    }
    // The first that still waits, by `waits(carrier)`; those before it, which do not, are taken off. `find(key)`: null:
    // it has gone.
    template <typename Find, typename Waits>
    ServerCarrier* first(const Find& find, const Waits& waits) {
        for (; !keys_.empty(); keys_.pop_front()) {
            ServerCarrier* carrier = find(keys_.front());
            if (carrier != nullptr && waits(*carrier)) return carrier;
        }
        return nullptr;
    }
    void pop() { keys_.pop_front(); }
    bool empty() const noexcept { return keys_.empty(); }

private:
    std::deque<session::CarrierKey> keys_;
};

}  // namespace flare::server
