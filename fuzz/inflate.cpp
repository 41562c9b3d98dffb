// A compressed payload of a peer: whatever it is, what comes out has the size that was said, or nothing comes out. And
// what is inflated goes through the forms that a server makes of it.
//
// Input: a byte for the encoding, three for the size (little endian), the payload.
#include "wire/forms.hpp"

#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

namespace {

using namespace flare;
using namespace flare::wire;

constexpr Encodings kAll = set_of(Encoding::zstd) | set_of(Encoding::gzip) | set_of(Encoding::zstd_dictionary);
constexpr std::uint64_t kMost = 8u << 20;

void require(bool holds) {
    if (!holds) std::abort();
}

// The same in every run.
const Compression& compression() {
    static const Compression made = [] {
        std::vector<std::string> samples;
        for (unsigned i = 0; i < 2000; ++i) {
            samples.push_back("{\"kind\":\"text\",\"room\":\"" + std::to_string(i % 17) +
                              "\",\"body\":\"message number " + std::to_string(i * 7919) + " of this chat\"}");
        }
        Compression::Options options;
        options.dictionary = *Dictionary::make(*train_dictionary(samples, 4096), 1, "fuzz");
        return Compression(std::move(options));
    }();
    return made;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 4) return 0;
    const std::string_view payload(reinterpret_cast<const char*>(data) + 4, size - 4);
    MessageView message;
    message.payload = payload;
    message.encoding = data[0] <= 3 ? static_cast<Encoding>(data[0]) : Encoding::unknown;
    message.size = std::uint64_t{data[1]} | std::uint64_t{data[2]} << 8 | std::uint64_t{data[3]} << 16;
    const auto inflated = compression().inflate(message, kAll, kMost);
    if (inflated) {
        require(inflated->size() == message.size && message.size <= kMost && !inflated->empty());
        require(message.encoding != Encoding::none && message.encoding != Encoding::unknown);
        // Compressed again it is the same.
        for (const Encoding each : {Encoding::zstd, Encoding::gzip, Encoding::zstd_dictionary}) {
            const auto packed = compression().pack(inflated->view(), set_of(each));
            if (!packed) continue;
            const std::string bytes(packed->bytes);
            MessageView again;
            again.payload = bytes;
            again.encoding = packed->encoding;
            again.size = inflated->size();
            const auto back = compression().inflate(again, kAll, kMost);
            require(back && *back == *inflated);
        }
    }
    if (message.encoding == Encoding::none || compression().check(message, kAll, kMost) != errc::ok) return 0;
    DataView around;
    around.from = "ann";
    around.message = message;
    Forms forms(encode(around), message, &compression(), true);
    const Body* plain = forms.fit(0);
    require((plain != nullptr) == inflated.has_value());
    if (plain == nullptr) return 0;
    const auto read = decode_data(plain->content());
    require(read && read->message->encoding == Encoding::none && read->message->payload == inflated->view());
    return 0;
}
