// A dictionary that both sides have. It contains what an application's messages have in common, so that short ones
// become compressible.
//
// Protocol: docs/compression.md, "Dictionaries"; RFC 8878 section 5.
// Threads:  immutable; shared by all threads.
// Owner:    Compression.
#pragma once

#include <flare/failure.hpp>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

struct ZSTD_CDict_s;
struct ZSTD_DDict_s;

namespace flare::wire {

class Dictionary {
public:
    static constexpr std::size_t kMaxBytes = 1024 * 1024;

    // `level`: what it is prepared to compress with. `what` begins the text of an error: the name of the option.
    // Errors: file_not_found, file_unreadable, invalid_config (no zstd dictionary, or too large).
    static Checked<std::shared_ptr<const Dictionary>> load(const std::string& path, int level, const std::string& what);
    // The same of bytes in memory.
    static Checked<std::shared_ptr<const Dictionary>> make(std::string_view bytes, int level, const std::string& what);
    ~Dictionary();
    Dictionary(const Dictionary&) = delete;
    Dictionary& operator=(const Dictionary&) = delete;

    // 20 bytes that name it: the id inside of it (big endian) and the beginning of its SHA-256.
    const std::string& id() const noexcept { return id_; }
    const ZSTD_CDict_s* to_compress() const noexcept { return compress_; }
    const ZSTD_DDict_s* to_inflate() const noexcept { return inflate_; }

private:
    Dictionary() = default;
    std::string id_;
    ZSTD_CDict_s* compress_ = nullptr;
    ZSTD_DDict_s* inflate_ = nullptr;
};

// Makes a dictionary file of at most `max_bytes` from messages like those that it is for: a few thousand, a hundred
// times its size. Errors: invalid_config (too few or too short).
Checked<std::string> train_dictionary(const std::vector<std::string>& samples, std::size_t max_bytes);

}  // namespace flare::wire
