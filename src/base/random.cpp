#include "base/random.hpp"

#include <flare/error.hpp>

#include <boost/system/system_error.hpp>

#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <pthread.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstring>

namespace flare::base {
namespace {

// Counts forks, so that a child throws away the bytes that its parent has buffered.
std::atomic<std::uint64_t> forks{0};

void read_system(std::span<std::uint8_t> out) {
    // Without random bytes no id, key or mask is safe: stop what was about to use them.
    if (RAND_bytes(out.data(), static_cast<int>(out.size())) != 1) {
        throw boost::system::system_error(errc::internal, "the system's random source");
    }
}

struct Buffer {
    std::array<std::uint8_t, 2048> bytes;
    std::size_t used = 2048;
    std::uint64_t forks_seen = 0;

    ~Buffer() { OPENSSL_cleanse(bytes.data(), bytes.size()); }

    void take(std::span<std::uint8_t> out) {
        const std::uint64_t now = forks.load(std::memory_order_relaxed);
        if (bytes.size() - used < out.size() || forks_seen != now) {
            read_system(bytes);
            used = 0;
            forks_seen = now;
        }
        // What was given out is not kept. Of the usual size without calls: every message id wants some.
        std::uint8_t* const given = bytes.data() + used;
        constexpr std::size_t kUsual = sizeof(std::uint64_t);
        if (out.size() == kUsual) {
            std::memcpy(out.data(), given, kUsual);
            std::memset(given, 0, kUsual);
        } else {
            std::memcpy(out.data(), given, out.size());
            std::memset(given, 0, out.size());
        }
        used += out.size();
    }
};

// Has no state of its own: a reference to it may be used by any thread, whichever took it.
class SystemRandom final : public Random {
public:
    SystemRandom() {
        pthread_atfork(nullptr, nullptr, [] { forks.fetch_add(1, std::memory_order_relaxed); });
    }

    void fill(std::span<std::uint8_t> out) override {
        thread_local Buffer buffer;
        constexpr std::size_t kBuffered = 256;  // a call into OpenSSL costs as much as this many bytes
        if (out.size() <= kBuffered) {
            buffer.take(out);
            return;
        }
        constexpr std::size_t kPiece = std::size_t{1} << 20;  // RAND_bytes counts in int
        for (; !out.empty(); out = out.subspan(std::min(out.size(), kPiece))) {
            read_system(out.first(std::min(out.size(), kPiece)));
        }
    }
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
    static SystemRandom random;
    return random;
}

}  // namespace flare::base
