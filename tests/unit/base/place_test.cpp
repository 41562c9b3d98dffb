// Names spread evenly over workers and lanes, whatever they have in common.
#include "base/place.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <functional>
#include <random>
#include <sstream>
#include <string>
#include <vector>

namespace flare::base::test {
namespace {

constexpr std::size_t kNames = 10'000;
constexpr double kFullest = 1.3;  // times the fair share

// A name from its number, as applications make them.
struct Family {
    const char* called;
    std::function<std::string(std::uint32_t)> name;
};

std::string padded(std::uint64_t number, std::size_t digits, int base = 10) {
    std::string text;
    for (; number != 0 || text.size() < digits; number /= static_cast<unsigned>(base))
        text.insert(text.begin(), "0123456789abcdef"[number % static_cast<unsigned>(base)]);
    return text;
}

std::string in_utf8(std::uint32_t character) {
    return {static_cast<char>(0xe0 | character >> 12), static_cast<char>(0x80 | (character >> 6 & 63)),
            static_cast<char>(0x80 | (character & 63))};
}

std::vector<Family> families() {
    return {
        {"Decimal", [](std::uint32_t i) { return std::to_string(i); }},
        {"Prefixed", [](std::uint32_t i) { return "user" + std::to_string(i); }},
        {"PrefixedFromAThousand", [](std::uint32_t i) { return "user" + std::to_string(1000 + i); }},
        {"ZeroPadded", [](std::uint32_t i) { return padded(i, 8); }},
        {"Email", [](std::uint32_t i) { return "user" + std::to_string(i) + "@example.com"; }},
        {"RandomUuid",
         [](std::uint32_t i) {
             std::mt19937_64 chance(i);
             const std::string hex = padded(chance(), 16, 16) + padded(chance(), 16, 16);
             return hex.substr(0, 8) + "-" + hex.substr(8, 4) + "-4" + hex.substr(13, 3) + "-a" + hex.substr(17, 3) +
                    "-" + hex.substr(20, 12);
         }},
        {"CountedUuid", [](std::uint32_t i) { return "018f2b3c-4d5e-7000-8000-" + padded(i, 12, 16); }},
        {"Phone", [](std::uint32_t i) { return "+49170" + padded(1'234'000 + i, 7); }},
        {"Chinese", [](std::uint32_t i) { return in_utf8(0x4e00 + i % 100) + in_utf8(0x5f20 + i / 100); }},
        {"ChineseNumbered", [](std::uint32_t i) { return "用户" + std::to_string(i); }},
        {"Hex", [](std::uint32_t i) { return padded(0x5eed0000ull + i, 8, 16); }},
        {"Tenant",
         [](std::uint32_t i) { return "user" + std::to_string(i % 100) + "@tenant" + std::to_string(i / 100); }},
        {"Snowflake", [](std::uint32_t i) { return std::to_string((41'944'705'796ull + i) << 22); }},
        {"LetterAndNumber", [](std::uint32_t i) { return static_cast<char>('a' + i % 26) + std::to_string(i / 26); }},
        {"Url", [](std::uint32_t i) { return "https://example.com/u/" + std::to_string(i); }},
        {"Load", [](std::uint32_t i) { return "load" + std::to_string(i); }},
    };
}

double fullest(const std::vector<std::string>& names, std::uint32_t parts,
               const std::function<std::uint32_t(const std::string&)>& part) {
    std::vector<std::size_t> counts(parts);
    for (const std::string& name : names) ++counts.at(part(name));
    return static_cast<double>(*std::max_element(counts.begin(), counts.end())) * parts /
           static_cast<double>(names.size());
}

class Names : public ::testing::TestWithParam<Family> {
protected:
    std::vector<std::string> all() const {
        std::vector<std::string> names;
        for (std::uint32_t i = 0; i < kNames; ++i) names.push_back(GetParam().name(i));
        return names;
    }
};
INSTANTIATE_TEST_SUITE_P(, Names, ::testing::ValuesIn(families()),
                         [](const auto& instance) { return std::string(instance.param.called); });

TEST_P(Names, FillWorkersEvenlyWhateverTheirNumber) {
    const auto names = all();
    for (std::uint32_t workers = 2; workers <= 64; ++workers) {
        EXPECT_LE(fullest(names, workers, [&](const auto& name) { return worker_of(place_of(name), workers); }),
                  kFullest)
            << workers << " workers";
    }
}

TEST_P(Names, FillLanesEvenlyAmongThoseOfOneWorkerToo) {
    const auto names = all();
    for (const std::uint32_t lanes : {2u, 4u, 16u}) {
        const auto lane = [&](const std::string& name) { return part_of(name_hash(name, kLaneSeed) >> 16, lanes); };
        EXPECT_LE(fullest(names, lanes, lane), kFullest) << lanes << " lanes";
    }
    std::vector<std::string> neighbours;
    for (const std::string& name : names) {
        if (worker_of(place_of(name), 4) == 1) neighbours.push_back(name);
    }
    EXPECT_LE(fullest(neighbours, 4, [](const auto& name) { return part_of(name_hash(name, kLaneSeed) >> 16, 4); }),
              kFullest);
}

TEST(Place, OfASmallFamilyIsNotOneWorkerAlone) {
    for (const auto& [prefix, first, count] : {std::tuple{"user", 1000u, 200u}, std::tuple{"load", 0u, 40u}}) {
        for (const std::uint32_t workers : {2u, 8u}) {
            std::vector<std::uint32_t> counts(workers);
            for (std::uint32_t i = 0; i < count; ++i)
                ++counts[worker_of(place_of(prefix + std::to_string(first + i)), workers)];
            EXPECT_LE(*std::max_element(counts.begin(), counts.end()), 2 * count / workers) << prefix << " " << workers;
        }
    }
}

// Published by its author's verification of MurmurHash3_x86_32, and widely.
TEST(Place, IsOfTheHashThatOthersHave) {
    EXPECT_EQ(name_hash("", 0), 0u);
    EXPECT_EQ(name_hash("", 1), 0x514e28b7u);
    EXPECT_EQ(name_hash("", 0xffffffffu), 0x81f16f39u);
    EXPECT_EQ(name_hash("The quick brown fox jumps over the lazy dog", 0), 0x2e4ff723u);
    std::string all_lengths, hashes;
    for (std::uint32_t i = 0; i < 256; ++i) {
        const std::uint32_t hash = name_hash(all_lengths, 256 - i);
        for (int shift = 0; shift < 32; shift += 8) hashes.push_back(static_cast<char>(hash >> shift));
        all_lengths.push_back(static_cast<char>(i));
    }
    EXPECT_EQ(name_hash(hashes, 0), 0xb0f57ee3u);
}

// Written by another implementation than ours: docs/vectors/README.md.
TEST(Place, OfEveryVectorIsTheOneInTheDocuments) {
    std::ifstream file(FLARE_SOURCE_DIR "/docs/vectors/places/places.txt");
    std::string line, name;
    int checks = 0;
    const auto number = [](const std::string& text) { return std::stoul(text, nullptr, 16); };
    const auto parts = [](const std::string& text, std::uint32_t sixteen_bits) {
        std::istringstream list(text);
        for (std::string each; list >> each;) {
            const std::size_t equals = each.find('=');
            EXPECT_EQ(part_of(sixteen_bits, static_cast<std::uint32_t>(std::stoul(each.substr(0, equals)))),
                      std::stoul(each.substr(equals + 1)));
        }
    };
    while (std::getline(file, line)) {
        const std::size_t colon = line.find(": ");
        ASSERT_NE(colon, line.npos) << line;
        const std::string key = line.substr(0, colon), value = line.substr(colon + 2);
        if (key == "name") name = value;
        if (key == "home-hash") {
            EXPECT_EQ(name_hash(name, kHomeSeed), number(value)) << name;
        }
        if (key == "place") {
            EXPECT_EQ(static_cast<std::uint16_t>(place_of(name)), number(value)) << name;
        }
        if (key == "workers") parts(value, static_cast<std::uint32_t>(place_of(name)));
        if (key == "lane-hash") {
            EXPECT_EQ(name_hash(name, kLaneSeed), number(value)) << name;
        }
        if (key == "lanes") parts(value, name_hash(name, kLaneSeed) >> 16);
        ++checks;
    }
    EXPECT_GT(checks, 100);
}

TEST(Place, AtAWorkerLeadsToItWhateverTheirNumber) {
    std::mt19937 chance(1);
    for (const std::uint32_t workers : {1u, 2u, 3u, 8u, 61u, 64u, 255u, 256u, 257u, 1000u, kMaxWorkers}) {
        for (std::uint32_t worker = 0; worker < workers; ++worker) {
            for (const std::uint32_t number : {0u, 1u, 0x7fffu, 0xffffu, static_cast<std::uint32_t>(chance() & 0xffff)})
                EXPECT_EQ(worker_of(place_at(worker, workers, static_cast<std::uint16_t>(number)), workers), worker);
        }
    }
    EXPECT_EQ(place_at(0, 1, 0xbeef), Place{0xbeef}) << "with one worker all bits are free";
}

TEST(Place, HasItsHigherByteFirst) {
    std::uint8_t bytes[kPlaceBytes];
    put_place(bytes, Place{0x12fe});
    EXPECT_EQ(bytes[0], 0x12);
    EXPECT_EQ(bytes[1], 0xfe);
    EXPECT_EQ(take_place(bytes), Place{0x12fe});
}

}  // namespace
}  // namespace flare::base::test
