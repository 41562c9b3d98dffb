#include "transport/turn_writes.hpp"

#include <utility>

namespace flare::transport {

char* TurnWrites::room(Writer& writer, std::size_t size) {
    const bool again = count_ != 0 && writes_[count_ - 1].writer == &writer;
    if (used_ + size > kBytes || (!again && count_ == kMostWrites)) {
        flush();
    } else if (again) {
        writes_[count_ - 1].size += size;
        return bytes_.get() + std::exchange(used_, used_ + size);
    }
    if (!bytes_) bytes_ = std::make_unique_for_overwrite<char[]>(kBytes);
    writes_[count_++] = {&writer, size};
    return bytes_.get() + std::exchange(used_, used_ + size);
}

void TurnWrites::flush() {
    const char* next = bytes_.get();
    const std::size_t count = std::exchange(count_, 0);
    used_ = 0;
    for (std::size_t i = 0; i < count; ++i) {
        writes_[i].writer->send_now({next, writes_[i].size});
        next += writes_[i].size;
    }
}

}  // namespace flare::transport
