// What one attempt to read or write without blocking came to.
#pragma once

#include <cstddef>
#include <cstdint>

namespace flare::transport {

enum class IoStatus : std::uint8_t {
    ok,           // more may be possible now
    would_block,  // wait for readiness
    end,          // reading: the peer has finished sending
    failed,       // the connection is unusable; `error` says why
};

struct IoResult {
    std::size_t bytes = 0;  // moved, whatever the status is
    IoStatus status = IoStatus::ok;
    int error = 0;  // failed: an errno; EPROTO when TLS broke
};

}  // namespace flare::transport
