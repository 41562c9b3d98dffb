// docs/vectors against this codec, byte for byte. With FLARE_WRITE_VECTORS=1 in the environment the files are
// written from vector_cases.cpp instead; look at the difference before you commit it: the protocol has changed.
#include "support.hpp"
#include "vector_cases.hpp"

#include "wire/json.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <set>

namespace flare::wire::test {
namespace {

TEST(Vectors, AreTheFilesInTheDocuments) {
    std::set<std::string> expected;
    for (const VectorCase& each : vector_cases()) {
        EXPECT_TRUE(expected.insert(each.name).second) << "two vectors are called " << each.name;
        if (std::getenv("FLARE_WRITE_VECTORS") != nullptr) std::ofstream(vector_path(each.name)) << vector_file(each);
        EXPECT_EQ(read_file(vector_path(each.name)), vector_file(each)) << each.name;
    }
    for (const auto& entry : std::filesystem::directory_iterator(FLARE_SOURCE_DIR "/docs/vectors")) {
        if (entry.path().extension() != ".txt") continue;
        EXPECT_TRUE(expected.contains(entry.path().stem().string())) << "nobody makes " << entry.path();
    }
}

TEST(Vectors, AreTheFirstSeedsOfTheFuzzTargets) {
    const auto check = [](const std::string& target, const VectorCase& each, const std::string& seed) {
        const std::string path = FLARE_SOURCE_DIR "/fuzz/corpus/" + target + "/" + each.name;
        if (std::getenv("FLARE_WRITE_VECTORS") != nullptr) std::ofstream(path, std::ios::binary) << seed;
        EXPECT_EQ(read_file(path), seed) << path;
    };
    for (const VectorCase& each : vector_cases()) {
        const VectorFile file = parse_vector(vector_file(each));
        check("batch", each, file.batch);
        if (each.use != VectorUse::refused) check("json", each, file.json + file.reads_as);
    }
}

TEST(Vectors, BecomeTheirJsonAndTheJsonBecomesThem) {
    for (const VectorCase& each : vector_cases()) {
        if (each.use != VectorUse::both_ways) continue;
        const VectorFile file = parse_vector(read_file(vector_path(each.name)));
        EXPECT_EQ(decode_all(file.batch), boost::system::error_code()) << each.name;
        EXPECT_EQ(batch_to_json(file.batch).value(), file.json) << each.name;
        std::string error;
        const auto batch = json_to_batch(file.json, &error);
        ASSERT_TRUE(batch) << each.name << ": " << error;
        EXPECT_EQ(to_hex(*batch), to_hex(file.batch)) << each.name;
    }
}

TEST(Vectors, OfUnusualEncodingsAreReadAllTheSame) {
    for (const VectorCase& each : vector_cases()) {
        if (each.use != VectorUse::reads_as) continue;
        const VectorFile file = parse_vector(read_file(vector_path(each.name)));
        EXPECT_EQ(decode_all(file.batch), boost::system::error_code()) << each.name;
        EXPECT_EQ(batch_to_json(file.batch).value(), file.reads_as) << each.name;
    }
}

TEST(Vectors, ThatAreBadAreRefusedWithTheirCode) {
    for (const VectorCase& each : vector_cases()) {
        if (each.use != VectorUse::refused) continue;
        const VectorFile file = parse_vector(read_file(vector_path(each.name)));
        const auto error = decode_all(file.batch);
        EXPECT_EQ(name(static_cast<errc>(error.value())), file.error) << each.name;
    }
}

}  // namespace
}  // namespace flare::wire::test
