// Encoding of flare.v1.Data in two steps, measure and put, shared by Body and Batch.
//
// Protocol: docs/wire.md, "Data".
// Threads:  pure functions.
#pragma once

#include "wire/frame.hpp"

#include <cstddef>

namespace flare::wire {

struct DataSize {
    std::size_t message = 0;  // content of the fields
    std::size_t receipt = 0;
    std::size_t total = 0;    // the whole content of Data
};

DataSize measure(const DataView& data) noexcept;
// Writes size.total bytes; `size` is what measure() said. Returns the end.
char* put(char* out, const DataView& data, const DataSize& size) noexcept;

}  // namespace flare::wire
