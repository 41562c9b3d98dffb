// Payloads compressed and inflated: what is worth it, what is refused, and what it costs in memory.
#include "allocations.hpp"
#include "support.hpp"

#include "wire/compression.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <random>
#include <thread>

#include <unistd.h>

namespace flare::wire::test {
namespace {

constexpr std::uint64_t kMost = 16u << 20;
constexpr std::size_t kGzipUpTo = 32 * 1024;
constexpr Encodings kZstd = set_of(Encoding::zstd);
constexpr Encodings kGzip = set_of(Encoding::gzip);
constexpr Encodings kDictionary = set_of(Encoding::zstd_dictionary);
constexpr Encodings kAll = kZstd | kGzip | kDictionary;

std::string chat(unsigned seed, std::size_t words = 12) {
    static constexpr const char* kWords[] = {"meeting", "lunch",  "tomorrow", "okay",    "the",    "report", "please",
                                             "thanks",  "about",  "release",  "review",  "server", "when",   "where",
                                             "can you", "update", "ticket",   "weekend", "photo",  "train"};
    std::mt19937 random(seed);
    std::string text = R"({"kind":"text","thread":"general","body":")";
    for (std::size_t i = 0; i < words; ++i) text += std::string(kWords[random() % std::size(kWords)]) + " ";
    return text + R"(","client":"flare-test/1"})";
}

std::string noise(std::size_t size, unsigned seed = 1) {
    std::mt19937 random(seed);
    std::string bytes(size, '\0');
    for (char& each : bytes) each = static_cast<char>(random());
    return bytes;
}

const std::string& dictionary_bytes() {
    static const std::string made = [] {
        std::vector<std::string> samples;
        for (unsigned i = 0; i < 4000; ++i) samples.push_back(chat(i));
        return *train_dictionary(samples, 8 * 1024);
    }();
    return made;
}

Compression with_dictionary(std::string_view bytes = dictionary_bytes()) {
    Compression::Options options;
    options.dictionary = *Dictionary::make(bytes, options.level, "test");
    return Compression(std::move(options));
}

MessageView view_of(std::string_view payload, Encoding encoding, std::uint64_t size) {
    MessageView message;
    message.payload = payload;
    message.encoding = encoding;
    message.size = size;
    return message;
}

errc code_of(const Result<Bytes>& result) { return result ? errc::ok : static_cast<errc>(result.error().value()); }

struct Packet {
    std::string bytes;
    Encoding encoding;
    std::uint64_t size;
    MessageView view() const { return view_of(bytes, encoding, size); }
};
Packet packed(const Compression& compression, std::string_view payload, Encodings encodings) {
    const auto made = compression.pack(payload, encodings);
    EXPECT_TRUE(made);
    return made ? Packet{std::string(made->bytes), made->encoding, payload.size()} : Packet{};
}

TEST(Compression, WhatIsCompressedInflatesToTheSameBytesInEveryEncoding) {
    const Compression compression = with_dictionary();
    for (const Encodings each : {kZstd, kGzip, kDictionary}) {
        for (const std::size_t words : {90u, 700u, 20'000u}) {
            const std::string payload = chat(5, words);
            if (each != kZstd && payload.size() > std::min(kDictionaryUpTo, kGzipUpTo)) continue;
            const Packet packet = packed(compression, payload, each);
            EXPECT_EQ(set_of(packet.encoding), each);
            EXPECT_LT(packet.bytes.size(), payload.size() / 2);
            const auto inflated = compression.inflate(packet.view(), each, kMost);
            ASSERT_TRUE(inflated) << inflated.error().message();
            EXPECT_EQ(inflated->view(), payload);
        }
    }
}

TEST(Compression, SmallPayloadsGoAsTheyAre) {
    Compression compression({.threshold = 100});
    EXPECT_FALSE(compression.pack(std::string(99, 'x'), kZstd));
    EXPECT_TRUE(compression.pack(std::string(100, 'x'), kZstd));
    EXPECT_FALSE(compression.pack("", kAll));
    EXPECT_FALSE(Compression({.threshold = 0}).pack("", kAll));
    EXPECT_FALSE(Compression({}).pack(std::string(Compression::kThreshold - 1, 'x'), kZstd));
}

TEST(Compression, ADictionaryMakesShortMessagesWorthIt) {
    const Compression compression = with_dictionary();
    const std::string payload = chat(100'000);
    ASSERT_LT(payload.size(), Compression::kThreshold);
    EXPECT_FALSE(compression.pack(payload, kZstd));
    const Packet packet = packed(compression, payload, kAll);
    EXPECT_EQ(packet.encoding, Encoding::zstd_dictionary);
    EXPECT_LT(packet.bytes.size(), payload.size() / 2);
    // A large one has in itself what a dictionary gives.
    EXPECT_EQ(packed(compression, chat(1, 20'000), kAll).encoding, Encoding::zstd);
}

TEST(Compression, WhatDoesNotShrinkGoesAsItIs) {
    const Compression compression = with_dictionary();
    for (const Encodings each : {kZstd, kGzip, kDictionary}) {
        EXPECT_FALSE(compression.pack(noise(600), each));
        EXPECT_FALSE(compression.pack(noise(60'000), each));
    }
    EXPECT_EQ(compression.stats().compressed, 0u);
}

TEST(Compression, GzipIsNotUsedForWhatIsLarge) {
    const Compression compression({});
    EXPECT_FALSE(compression.pack(std::string(kGzipUpTo + 1, 'x'), kGzip));
    EXPECT_TRUE(compression.pack(std::string(kGzipUpTo, 'x'), kGzip));
}

TEST(Compression, OnlyWhatWasAgreedIsInflated) {
    const Compression compression({});
    const std::string payload(1000, 'x');
    const Packet packet = packed(compression, payload, kZstd);
    EXPECT_EQ(code_of(compression.inflate(packet.view(), kGzip, kMost)), errc::compression_unavailable);
    EXPECT_EQ(code_of(compression.inflate(packet.view(), 0, kMost)), errc::compression_unavailable);
    MessageView later = packet.view();
    later.encoding = Encoding::unknown;
    EXPECT_EQ(code_of(compression.inflate(later, 0xff, kMost)), errc::compression_unavailable);
    EXPECT_EQ(compression.stats().refused, 3u);
}

TEST(Compression, BothSidesUseWhatBothHave) {
    const Compression plain({});
    const Compression with = with_dictionary();
    EXPECT_EQ(plain.agree(0, {}), 0);
    EXPECT_EQ(plain.agree(kCapabilityGzip, {}), kGzip);
    EXPECT_EQ(plain.agree(Compression::kOffered | 64, {}), kZstd | kGzip);
    EXPECT_EQ(plain.agree(Compression::kOffered, with.dictionary_id()), kZstd | kGzip);
    EXPECT_EQ(with.agree(Compression::kOffered, with.dictionary_id()), kAll);
    EXPECT_EQ(with.agree(kCapabilityGzip, with.dictionary_id()), kGzip);  // a dictionary is zstd's
    std::string other = with.dictionary_id();
    other.back() = static_cast<char>(other.back() ^ 1);
    EXPECT_EQ(with.agree(Compression::kOffered, other), kZstd | kGzip);
    EXPECT_EQ(Compression::capabilities_of(kAll), Compression::kOffered);
    EXPECT_EQ(Compression::capabilities_of(kGzip), kCapabilityGzip);
}

TEST(Compression, ASizeThatIsNotTrueIsRefused) {
    const Compression compression = with_dictionary();
    for (const Encodings each : {kZstd, kGzip, kDictionary}) {
        const Packet packet = packed(compression, chat(1, 90), each);
        for (const std::uint64_t size :
             {std::uint64_t{0}, packet.size - 1, packet.size + 1, kMost, ~std::uint64_t{0}}) {
            MessageView lie = packet.view();
            lie.size = size;
            EXPECT_EQ(code_of(compression.inflate(lie, each, kMost)),
                      size > kMost ? errc::message_too_large : errc::bad_compression)
                << size;
        }
        EXPECT_EQ(code_of(compression.inflate(packet.view(), each, packet.size - 1)), errc::message_too_large);
        EXPECT_EQ(code_of(compression.inflate(packet.view(), each, packet.size)), errc::ok);
    }
}

TEST(Compression, ABombAllocatesNothing) {
    const Compression compression({});
    // The frame says itself that it inflates to 16 MiB, and has not the blocks for it.
    const std::string liar = from_hex("28b52ffd a0 00000001 230300 61");
    (void)compression.inflate(view_of(liar, Encoding::zstd, 100), kZstd, kMost);  // the thread's tools are made
    const auto before = allocations();
    EXPECT_EQ(code_of(compression.inflate(view_of(liar, Encoding::zstd, kMost), kZstd, kMost)), errc::bad_compression);
    // A real one: a gigabyte of zeros, which the limit refuses before anything is made.
    const std::string zeros(64u << 20, '\0');
    const auto zipped = compression.pack(zeros, kZstd);
    ASSERT_TRUE(zipped);
    const std::string bomb(zipped->bytes);
    const auto then = allocations();
    EXPECT_EQ(code_of(compression.inflate(view_of(bomb, Encoding::zstd, zeros.size()), kZstd, kMost)),
              errc::message_too_large);
    EXPECT_EQ(code_of(compression.inflate(view_of(bomb, Encoding::zstd, kMost), kZstd, kMost)), errc::bad_compression);
    EXPECT_EQ(allocations(), then);
    EXPECT_GE(then, before);
}

TEST(Compression, ABombThatHidesItsSizeIsStoppedAtIt) {
    const Compression compression({});
    // Two frames, one behind the other: the first is what was said, the second would be more.
    const std::string one = packed(compression, std::string(1000, 'x'), kZstd).bytes;
    EXPECT_EQ(code_of(compression.inflate(view_of(one + one, Encoding::zstd, 1000), kZstd, kMost)),
              errc::bad_compression);
    const std::string zip = packed(compression, std::string(1000, 'x'), kGzip).bytes;
    EXPECT_EQ(code_of(compression.inflate(view_of(zip + zip, Encoding::gzip, 1000), kGzip, kMost)),
              errc::bad_compression);
}

TEST(Compression, DamagedPayloadsAreRefusedAndHarmNothing) {
    const Compression compression = with_dictionary();
    for (const Encodings each : {kZstd, kGzip, kDictionary}) {
        const std::string payload = chat(1, 200);
        const Packet packet = packed(compression, payload, each);
        for (std::size_t cut = 0; cut < packet.bytes.size(); ++cut) {
            MessageView shorter = packet.view();
            shorter.payload = std::string_view(packet.bytes).substr(0, cut);
            EXPECT_EQ(code_of(compression.inflate(shorter, each, kMost)), errc::bad_compression) << cut;
        }
        MessageView garbage = packet.view();
        const std::string bytes = noise(packet.bytes.size());
        garbage.payload = bytes;
        EXPECT_EQ(code_of(compression.inflate(garbage, each, kMost)), errc::bad_compression);
        // Flipped bits: refused, or other bytes of the same length; zstd frames have no checksum here.
        for (std::size_t at = 0; at < packet.bytes.size(); ++at) {
            std::string flipped = packet.bytes;
            flipped[at] = static_cast<char>(flipped[at] ^ 0x10);
            const auto result = compression.inflate(view_of(flipped, packet.encoding, packet.size), each, kMost);
            EXPECT_TRUE(result ? result->size() == packet.size : code_of(result) == errc::bad_compression);
        }
        const auto good = compression.inflate(packet.view(), each, kMost);
        ASSERT_TRUE(good);
        EXPECT_EQ(good->view(), payload);
    }
}

TEST(Compression, AnotherDictionaryIsRefused) {
    std::vector<std::string> samples;
    for (unsigned i = 0; i < 4000; ++i) samples.push_back(chat(i + 9'000, 30));
    const auto other = train_dictionary(samples, 8 * 1024);
    ASSERT_TRUE(other);
    const Compression here = with_dictionary();
    const Compression there = with_dictionary(*other);
    EXPECT_NE(here.dictionary_id(), there.dictionary_id());
    const Packet packet = packed(here, chat(1), kDictionary);
    EXPECT_EQ(code_of(there.inflate(packet.view(), kAll, kMost)), errc::bad_compression);
    EXPECT_EQ(code_of(Compression({}).inflate(packet.view(), kAll, kMost)), errc::bad_compression);
}

TEST(Compression, TheGoldenFrameInflates) {
    const auto inflated =
        Compression({}).inflate(view_of(from_hex("28b52ffd 20 64 230300 61"), Encoding::zstd, 100), kZstd, kMost);
    ASSERT_TRUE(inflated);
    EXPECT_EQ(inflated->view(), std::string(100, 'a'));
}

TEST(Compression, OneMessageAllocatesItsResultAndNoMore) {
    const Compression compression = with_dictionary();
    for (const Encodings each : {kZstd, kGzip, kDictionary}) {
        const std::string payload = chat(1, 300);
        const Packet packet = packed(compression, payload, each);
        (void)compression.inflate(packet.view(), each, kMost);
        const auto before = allocations();
        for (int i = 0; i < 10; ++i) EXPECT_TRUE(compression.pack(payload, each));
        EXPECT_EQ(allocations() - before, 0u);
        for (int i = 0; i < 10; ++i) EXPECT_TRUE(compression.inflate(packet.view(), each, kMost));
        EXPECT_LE(allocations() - before, 10u);
    }
}

TEST(Compression, CountsBytesBeforeAndAfter) {
    const Compression compression({});
    const std::string payload(1000, 'x');
    const Packet packet = packed(compression, payload, kZstd);
    (void)compression.inflate(packet.view(), kZstd, kMost);
    const CompressionStats stats = compression.stats();
    EXPECT_EQ(stats.compressed, 1u);
    EXPECT_EQ(stats.compressed_from, 1000u);
    EXPECT_EQ(stats.compressed_to, packet.bytes.size());
    EXPECT_EQ(stats.inflated, 1u);
    EXPECT_EQ(stats.inflated_from, packet.bytes.size());
    EXPECT_EQ(stats.inflated_to, 1000u);
    EXPECT_EQ(stats.refused, 0u);
}

TEST(Compression, ThreadsShareOneAndHaveToolsOfTheirOwn) {
    const Compression compression = with_dictionary();
    std::vector<std::thread> threads;
    for (unsigned t = 0; t < 4; ++t) {
        threads.emplace_back([&compression, t] {
            for (unsigned i = 0; i < 200; ++i) {
                const std::string payload = chat(t * 1000 + i, 100);
                const Packet packet = packed(compression, payload, kAll);
                const auto inflated = compression.inflate(packet.view(), kAll, kMost);
                ASSERT_TRUE(inflated);
                ASSERT_EQ(inflated->view(), payload);
            }
        });
    }
    for (std::thread& each : threads) each.join();
}

TEST(Dictionary, AFileThatIsNoneIsRefusedByName) {
    const auto folder = std::filesystem::temp_directory_path() / ("flare-dictionary-" + std::to_string(::getpid()));
    std::filesystem::create_directories(folder);
    const auto load = [&](const std::string& name, std::string_view content) {
        const std::string path = (folder / name).string();
        std::ofstream(path, std::ios::binary) << content;
        return Dictionary::load(path, 1, "compression_dictionary");
    };
    const auto missing = Dictionary::load((folder / "missing").string(), 1, "compression_dictionary");
    ASSERT_FALSE(missing);
    EXPECT_EQ(missing.error().code, errc::file_not_found);
    EXPECT_NE(missing.error().text.find("missing"), std::string::npos);
    const auto is_folder = Dictionary::load(folder.string(), 1, "compression_dictionary");
    ASSERT_FALSE(is_folder);
    EXPECT_EQ(is_folder.error().code, errc::file_unreadable);
    for (const std::string& content :
         {std::string(), std::string("hello"), dictionary_bytes().substr(0, 100), std::string(3u << 20, 'x')}) {
        const auto wrong = load("wrong", content);
        ASSERT_FALSE(wrong) << content.size();
        EXPECT_EQ(wrong.error().code, errc::invalid_config);
        EXPECT_NE(wrong.error().text.find("compression_dictionary"), std::string::npos);
    }
    const auto good = load("good", dictionary_bytes());
    ASSERT_TRUE(good) << good.error().text;
    EXPECT_EQ((*good)->id().size(), 20u);
    std::filesystem::remove_all(folder);
}

TEST(Dictionary, FewSamplesMakeNone) {
    const auto made = train_dictionary({"one", "two"}, 1024);
    ASSERT_FALSE(made);
    EXPECT_EQ(made.error().code, errc::invalid_config);
}

}  // namespace
}  // namespace flare::wire::test
