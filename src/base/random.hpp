// The source of random bytes. State machines take it as an argument, so that the simulator can seed it.
#pragma once

#include <flare/uuid.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

namespace flare::base {

class Random {
public:
    virtual ~Random() = default;
    virtual void fill(std::span<std::uint8_t> out) = 0;

    std::uint64_t next_u64();
    std::string bytes(std::size_t count);
    Uuid uuid();  // 16 random bytes (not version 7)
};

// The system's cryptographic source, buffered per thread. Any thread.
Random& system_random();

}  // namespace flare::base
