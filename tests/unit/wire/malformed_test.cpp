// Hostile bytes: every golden frame cut at every byte and with every bit turned over. What is read lies in a block
// of exactly its size, so that a sanitizer sees a step beyond it.
#include "support.hpp"
#include "vector_cases.hpp"

#include "wire/json.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <random>

namespace flare::wire::test {
namespace {

boost::system::error_code decode_exactly(std::string_view bytes) {
    const auto block = std::make_unique<char[]>(bytes.size());
    std::copy(bytes.begin(), bytes.end(), block.get());
    (void)batch_to_json({block.get(), bytes.size()});
    return decode_all({block.get(), bytes.size()});
}

bool is_expected(boost::system::error_code error) {
    return error == errc::malformed_frame || error == errc::invalid_utf8 || error == errc::frame_too_large ||
           error == errc::unexpected_frame;
}

// Where frames end in `batch`: a batch that is cut there is a shorter batch.
bool ends_frame(const std::string& batch, std::size_t at) {
    BatchReader reader(batch);
    FrameView frame;
    while (!reader.done()) {
        if (batch.size() - reader.rest().size() == at) return true;
        if (!reader.next(frame)) return false;
    }
    return at == batch.size();
}

TEST(Malformed, AFrameCutAnywhereIsRefused) {
    for (const VectorCase& each : vector_cases()) {
        if (each.use == VectorUse::refused) continue;
        for (std::size_t size = 0; size < each.batch.size(); ++size) {
            const auto error = decode_exactly(std::string_view(each.batch).substr(0, size));
            if (ends_frame(each.batch, size)) {
                EXPECT_FALSE(error) << each.name << " cut at " << size;
            } else {
                EXPECT_EQ(error, errc::malformed_frame) << each.name << " cut at " << size;
            }
        }
    }
}

TEST(Malformed, ABodyCutAnywhereIsReadOrRefused) {
    for (const VectorCase& each : vector_cases()) {
        BatchReader reader(each.batch);
        FrameView frame;
        while (!reader.done() && reader.next(frame)) {
            for (std::size_t size = 0; size < frame.body.size(); ++size) {
                const auto block = std::make_unique<char[]>(size);
                std::copy_n(frame.body.data(), size, block.get());
                const auto error = decode_body(frame.kind, {block.get(), size});
                EXPECT_TRUE(!error || is_expected(error)) << each.name << ": " << error.message();
            }
        }
    }
}

TEST(Malformed, AnyBitTurnedOverIsReadOrRefused) {
    for (const VectorCase& each : vector_cases()) {
        for (std::size_t bit = 0; bit < each.batch.size() * 8; ++bit) {
            std::string batch = each.batch;
            batch[bit / 8] = static_cast<char>(batch[bit / 8] ^ 1 << (bit % 8));
            const auto error = decode_exactly(batch);
            EXPECT_TRUE(!error || is_expected(error)) << each.name << " bit " << bit << ": " << error.message();
        }
    }
}

TEST(Malformed, AnyByteSetToAnythingIsReadOrRefused) {
    for (const VectorCase& each : vector_cases()) {
        for (std::size_t at = 0; at < each.batch.size(); ++at) {
            for (const unsigned value : {0x00u, 0x01u, 0x7fu, 0x80u, 0xffu}) {
                std::string batch = each.batch;
                batch[at] = static_cast<char>(value);
                const auto error = decode_exactly(batch);
                EXPECT_TRUE(!error || is_expected(error)) << each.name << " byte " << at << ": " << error.message();
            }
        }
    }
}

TEST(Malformed, RandomBytesAreReadOrRefused) {
    const unsigned seed = std::random_device{}();
    RecordProperty("seed", static_cast<int>(seed));
    std::mt19937 random(seed);
    for (int i = 0; i < 20'000; ++i) {
        std::string batch(random() % 64, '\0');
        for (char& each : batch) each = static_cast<char>(random() % 3 == 0 ? random() : random() % 32);
        const auto error = decode_exactly(batch);
        ASSERT_TRUE(!error || is_expected(error)) << "seed " << seed << ": " << to_hex(batch);
    }
}

}  // namespace
}  // namespace flare::wire::test
