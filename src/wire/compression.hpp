// Compresses and decompresses payloads separately: no state of one message affects the next, so sizes reveal nothing
// about other senders.
//
// Protocol: docs/wire.md, "Compressed payloads"; docs/compression.md.
// Threads:  immutable but for counters, shared by all threads; each thread has working memory of its own.
// Owner:    the configuration of a client or a server; sessions refer to it.
#pragma once

#include "wire/dictionary.hpp"
#include "wire/frame.hpp"

#include <flare/compression.hpp>

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

namespace flare::wire {

// A set: bit 1 << Encoding.
using Encodings = std::uint8_t;
constexpr Encodings set_of(Encoding each) noexcept {
    return each == Encoding::unknown ? Encodings{0} : static_cast<Encodings>(1u << static_cast<unsigned>(each));
}
constexpr bool has(Encodings set, Encoding each) noexcept { return (set & set_of(each)) != 0; }

// More than this is neither compressed nor inflated on a server's event loop: about a millisecond of work.
inline constexpr std::size_t kAtOnceBytes = 256 * 1024;
// Larger payloads have in themselves what a dictionary gives.
inline constexpr std::size_t kDictionaryUpTo = 64 * 1024;

class Compression {
public:
    static constexpr std::size_t kThreshold = 512;
    static constexpr std::size_t kDictionaryThreshold = 64;
    static constexpr int kLevel = 1;

    struct Options {
        std::size_t threshold = kThreshold;  // payloads below go as they are
        std::size_t dictionary_threshold = kDictionaryThreshold;
        int level = kLevel;                                      // of zstd, 1 to 19
        std::shared_ptr<const Dictionary> dictionary = nullptr;  // null: none; made for the same level
    };
    explicit Compression(Options options) : options_(std::move(options)) {}

    // ---- what is agreed ----

    static constexpr std::uint64_t kOffered = kCapabilityZstd | kCapabilityGzip;
    // The name of the dictionary; empty: none.
    std::string dictionary_id() const { return options_.dictionary ? options_.dictionary->id() : std::string(); }
    // What a session may use whose peer has said this in Hello or Welcome.
    Encodings agree(std::uint64_t capabilities, std::string_view dictionary) const noexcept;
    static constexpr std::uint64_t capabilities_of(Encodings agreed) noexcept {
        return (has(agreed, Encoding::zstd) ? kCapabilityZstd : 0) |
               (has(agreed, Encoding::gzip) ? kCapabilityGzip : 0);
    }

    // ---- compressing ----

    // How a payload of `size` bytes should go to a peer that takes `encodings`; none: as it is.
    Encoding choose(std::size_t size, Encodings encodings) const noexcept;
    struct Packed {
        Encoding encoding = Encoding::none;
        std::string_view bytes;  // until this thread's next call of pack()
    };
    // Nothing: it is too small, or does not shrink.
    std::optional<Packed> pack(std::string_view payload, Encodings encodings) const;
    // Of what pack() needed this thread keeps no more than for messages of an ordinary size. Its last bytes are gone.
    static void trim() noexcept;

    // ---- inflating ----

    // Whether a compressed payload may be inflated at all, from its first and last bytes. Errors:
    // compression_unavailable (not in `encodings`), message_too_large (above max_bytes), bad_compression.
    errc check(const MessageView& message, Encodings encodings, std::uint64_t max_bytes) const noexcept;
    // The payload, of exactly message.size bytes, which is all that is allocated. Errors: those of check(), before
    // anything is allocated; bad_compression.
    Result<Bytes> inflate(const MessageView& message, Encodings encodings, std::uint64_t max_bytes) const;

    CompressionStats stats() const noexcept;

private:
    std::optional<std::string_view> pack_as(Encoding encoding, std::string_view payload) const;
    bool inflate_into(char* out, const MessageView& message) const noexcept;

    const Options options_;
    struct Counters {
        std::atomic<std::uint64_t> compressed{0}, compressed_from{0}, compressed_to{0};
        std::atomic<std::uint64_t> inflated{0}, inflated_from{0}, inflated_to{0}, refused{0};
    };
    mutable Counters counters_;
};

// What a compressed payload says of its own size when it is inflated: the frame header of zstd (RFC 8878 section
// 3.1.1.1.4), the trailer of gzip (RFC 1952 section 2.3.1). 0: it says nothing.
std::uint64_t size_said_by(Encoding encoding, std::string_view payload) noexcept;

// What the builders' compression options ask for; null when it is off. A dictionary without compression is a mistake.
// Errors: those of Dictionary::load(), invalid_config.
Checked<std::shared_ptr<const Compression>> make_compression(bool on, Compression::Options options,
                                                             const std::string& dictionary_file);

}  // namespace flare::wire
