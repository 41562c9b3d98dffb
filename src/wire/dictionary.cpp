#include "wire/dictionary.hpp"

#include "base/crypto.hpp"
#include "base/file.hpp"

#include <cstdint>

#include <zdict.h>
#include <zstd.h>

namespace flare::wire {
namespace {

constexpr std::size_t kIdHashBytes = 16;
constexpr std::size_t kIdAt = 4;  // RFC 8878 section 5: magic number, id (both little endian), tables, content

}  // namespace

Checked<std::shared_ptr<const Dictionary>> Dictionary::load(const std::string& path, int level,
                                                            const std::string& what) {
    const auto bytes = base::read_file(path, what, kMaxBytes);
    if (!bytes) return bytes.error();
    return make(*bytes, level, what + " " + path);
}

Checked<std::shared_ptr<const Dictionary>> Dictionary::make(std::string_view bytes, int level,
                                                            const std::string& what) {
    if (bytes.size() > kMaxBytes) return Failure(errc::invalid_config, what + " is larger than 1 MiB");
    const unsigned number = ZDICT_getDictID(bytes.data(), bytes.size());
    std::shared_ptr<Dictionary> made(new Dictionary);
    if (number != 0) {
        made->compress_ = ZSTD_createCDict(bytes.data(), bytes.size(), level);
        made->inflate_ = ZSTD_createDDict(bytes.data(), bytes.size());
    }
    if (made->compress_ == nullptr || made->inflate_ == nullptr) {
        return Failure(errc::invalid_config, what + " is not a zstd dictionary; make one with flare train");
    }
    for (int shift = 24; shift >= 0; shift -= 8) made->id_ += static_cast<char>(number >> shift);
    made->id_ += base::view(base::sha256(bytes)).substr(0, kIdHashBytes);
    return std::shared_ptr<const Dictionary>(std::move(made));
}

Dictionary::~Dictionary() {
    ZSTD_freeCDict(compress_);
    ZSTD_freeDDict(inflate_);
}

Checked<std::string> train_dictionary(const std::vector<std::string>& samples, std::size_t max_bytes) {
    std::string all;
    std::vector<std::size_t> sizes;
    for (const std::string& sample : samples) {
        all += sample;
        sizes.push_back(sample.size());
    }
    std::string dictionary(max_bytes, '\0');
    const std::size_t size = ZDICT_trainFromBuffer(dictionary.data(), dictionary.size(), all.data(), sizes.data(),
                                                   static_cast<unsigned>(sizes.size()));
    if (ZDICT_isError(size) != 0) {
        return Failure(errc::invalid_config, std::string("no dictionary can be made from these samples: ") +
                                                 ZDICT_getErrorName(size) + "; give several thousand messages");
    }
    dictionary.resize(size);
    // Each compressed message names the dictionary: an id that takes two bytes there, above those set aside for
    // registration (RFC 8878 section 7.2). The SHA-256 tells dictionaries apart, not this.
    const base::Key hash = base::sha256(dictionary);
    dictionary[kIdAt] = static_cast<char>(hash[0]);
    dictionary[kIdAt + 1] = static_cast<char>(hash[1] | 0x80);
    dictionary[kIdAt + 2] = 0;
    dictionary[kIdAt + 3] = 0;
    return dictionary;
}

}  // namespace flare::wire
