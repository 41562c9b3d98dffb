// flare_train: makes a dictionary of messages, for compression_dictionary(). docs/compression.md, "Dictionaries".
#include "wire/compression.hpp"

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

namespace {

using flare::wire::Compression;

constexpr std::size_t kMostSamples = 256u << 20;  // bytes of all

int usage() {
    std::fputs(
        "usage: flare_train [--size BYTES] [--prefixed] SAMPLES OUTPUT\n"
        "  SAMPLES     a folder with one message in each file, or a file with one message on each line\n"
        "  --prefixed  the file holds messages with their length before each, as 4 bytes, big endian\n"
        "  --size      of the dictionary, 256 to 1048576; default 16384\n",
        stderr);
    return 2;
}

int fail(const std::string& text) {
    std::fprintf(stderr, "flare_train: %s\n", text.c_str());
    return 1;
}

bool read(const std::filesystem::path& path, std::string& bytes) {
    std::ifstream in(path, std::ios::binary);
    bytes.assign(std::istreambuf_iterator<char>(in), {});
    return !in.bad() && in.is_open();
}

bool split_prefixed(std::string_view bytes, std::vector<std::string>& samples) {
    while (!bytes.empty()) {
        if (bytes.size() < 4) return false;
        std::size_t length = 0;
        for (std::size_t i = 0; i < 4; ++i) length = length << 8 | static_cast<unsigned char>(bytes[i]);
        bytes.remove_prefix(4);
        if (length > bytes.size()) return false;
        samples.emplace_back(bytes.substr(0, length));
        bytes.remove_prefix(length);
    }
    return true;
}

void split_lines(std::string_view bytes, std::vector<std::string>& samples) {
    while (!bytes.empty()) {
        const std::size_t end = bytes.find('\n');
        const std::string_view line = bytes.substr(0, end);
        if (!line.empty()) samples.emplace_back(line);
        if (end == bytes.npos) break;
        bytes.remove_prefix(end + 1);
    }
}

// What the dictionary makes of the samples themselves; every tenth, when there are many.
void report(const std::vector<std::string>& samples, const std::string& dictionary) {
    Compression::Options options;
    auto made = flare::wire::Dictionary::make(dictionary, options.level, "the dictionary");
    if (!made) return;
    options.dictionary = std::move(*made);
    const Compression compression(std::move(options));
    const auto agreed = compression.agree(flare::wire::kCapabilityZstd, compression.dictionary_id());
    std::uint64_t before = 0;
    std::uint64_t after = 0;
    const std::size_t step = samples.size() > 1000 ? 10 : 1;
    for (std::size_t i = 0; i < samples.size(); i += step) {
        const auto packed = compression.pack(samples[i], agreed);
        before += samples[i].size();
        after += packed ? packed->bytes.size() : samples[i].size();
    }
    std::printf("%zu samples, a dictionary of %zu bytes; with it they take %.0f %% of their size\n", samples.size(),
                dictionary.size(),
                before == 0 ? 100.0 : 100.0 * static_cast<double>(after) / static_cast<double>(before));
}

}  // namespace

int main(int argc, char** argv) {
    std::size_t size = 16 * 1024;
    bool prefixed = false;
    std::vector<std::string> paths;
    for (int i = 1; i < argc; ++i) {
        const std::string_view option = argv[i];
        if (option == "--prefixed") {
            prefixed = true;
        } else if (option == "--size" && i + 1 < argc) {
            size = static_cast<std::size_t>(std::strtoull(argv[++i], nullptr, 10));
        } else if (option.starts_with("--")) {
            return usage();
        } else {
            paths.emplace_back(option);
        }
    }
    if (paths.size() != 2 || size < 256 || size > flare::wire::Dictionary::kMaxBytes) return usage();

    std::vector<std::string> samples;
    std::error_code error;
    std::size_t total = 0;
    if (std::filesystem::is_directory(paths[0], error)) {
        for (const auto& entry : std::filesystem::directory_iterator(paths[0], error)) {
            std::string bytes;
            if (!entry.is_regular_file(error)) continue;
            if (!read(entry.path(), bytes)) return fail(entry.path().string() + " cannot be read");
            if ((total += bytes.size()) > kMostSamples) return fail("the samples are more than 256 MiB: take fewer");
            if (!bytes.empty()) samples.push_back(std::move(bytes));
        }
    } else {
        std::string bytes;
        if (!read(paths[0], bytes)) return fail(paths[0] + " cannot be read");
        if (bytes.size() > kMostSamples) return fail("the samples are more than 256 MiB: take fewer");
        if (!prefixed) {
            split_lines(bytes, samples);
        } else if (!split_prefixed(bytes, samples)) {
            return fail(paths[0] + " does not hold whole messages with their lengths before them");
        }
    }
    const auto dictionary = flare::wire::train_dictionary(samples, size);
    if (!dictionary) return fail(dictionary.error().text);
    std::ofstream out(paths[1], std::ios::binary | std::ios::trunc);
    out << *dictionary;
    out.close();
    if (!out) return fail(paths[1] + " cannot be written");
    report(samples, *dictionary);
    return 0;
}
