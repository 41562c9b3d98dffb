#include "base/random.hpp"

#include <openssl/rand.h>

#include <array>
#include <cstring>
#include <new>

namespace flare::base {
namespace {

// A buffer for each thread, so that a mask key or a nonce costs no call into the library.
class SystemRandom final : public Random {
public:
    void fill(std::span<std::uint8_t> out) override {
        while (!out.empty()) {
            if (used_ == buffer_.size()) refill();
            const std::size_t count = std::min(out.size(), buffer_.size() - used_);
            std::memcpy(out.data(), buffer_.data() + used_, count);
            std::memset(buffer_.data() + used_, 0, count);
            used_ += count;
            out = out.subspan(count);
        }
    }

private:
    void refill() {
        // Without random numbers there is no safe way on: this is as fatal as no memory.
        if (RAND_bytes(buffer_.data(), static_cast<int>(buffer_.size())) != 1) throw std::bad_alloc();
        used_ = 0;
    }

    std::array<std::uint8_t, 4096> buffer_{};
    std::size_t used_ = buffer_.size();
};

}  // namespace

std::uint64_t Random::next_u64() {
    std::array<std::uint8_t, 8> raw{};
    fill(raw);
    std::uint64_t value = 0;
    std::memcpy(&value, raw.data(), raw.size());
    return value;
}

std::string Random::bytes(std::size_t count) {
    std::string out(count, '\0');
    fill({reinterpret_cast<std::uint8_t*>(out.data()), out.size()});
    return out;
}

Uuid Random::uuid() {
    Uuid id;
    fill(id.bytes);
    return id;
}

Random& system_random() {
    thread_local SystemRandom random;
    return random;
}

}  // namespace flare::base
