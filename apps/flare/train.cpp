// flare train: makes a dictionary of messages, for compression_dictionary(). docs/compression.md, "Dictionaries".
#include "base/file.hpp"
#include "commands.hpp"
#include "output.hpp"
#include "wire/compression.hpp"

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace flare::cli {
namespace {

constexpr std::size_t kMostSamples = 256u << 20;  // bytes of all

struct TrainOptions {
    std::string samples, output;
    std::uint32_t size = 16 * 1024;
    bool prefixed = false;
    bool json = false;
};

int cannot_train(const std::string& text) {
    print_problem("train", text);
    return kFailed;
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
void report(const std::vector<std::string>& samples, const std::string& dictionary, bool as_json) {
    wire::Compression::Options options;
    auto made = wire::Dictionary::make(dictionary, options.level, "the dictionary");
    if (!made) return;
    options.dictionary = std::move(*made);
    const wire::Compression compression(std::move(options));
    const auto agreed = compression.agree(wire::kCapabilityZstd, compression.dictionary_id());
    std::uint64_t before = 0;
    std::uint64_t after = 0;
    const std::size_t step = samples.size() > 1000 ? 10 : 1;
    for (std::size_t i = 0; i < samples.size(); i += step) {
        const auto packed = compression.pack(samples[i], agreed);
        before += samples[i].size();
        after += packed ? packed->bytes.size() : samples[i].size();
    }
    const double percent = before == 0 ? 100.0 : 100.0 * static_cast<double>(after) / static_cast<double>(before);
    if (as_json) {
        print_json({{"samples", samples.size()}, {"bytes", dictionary.size()}, {"percent", percent}});
    } else {
        std::printf(
            "%zu samples, dictionary of %zu bytes; compressed with it, the samples take %.0f %% of their size\n",
            samples.size(), dictionary.size(), percent);
    }
}

Checked<std::vector<std::string>> read_samples(const TrainOptions& options) {
    const auto wrong = [](const std::string& text) { return Failure(errc::file_unreadable, text); };
    const std::string too_much = "the samples exceed 256 MiB: use fewer";
    std::vector<std::string> samples;
    std::error_code error;
    if (std::filesystem::is_directory(options.samples, error)) {
        std::size_t total = 0;
        for (const auto& entry : std::filesystem::directory_iterator(options.samples, error)) {
            std::string bytes;
            if (!entry.is_regular_file(error)) continue;
            if (!read(entry.path(), bytes)) return wrong(entry.path().string() + " cannot be read");
            if ((total += bytes.size()) > kMostSamples) return wrong(too_much);
            if (!bytes.empty()) samples.push_back(std::move(bytes));
        }
        return samples;
    }
    std::string bytes;
    if (!read(options.samples, bytes)) return wrong(options.samples + " cannot be read");
    if (bytes.size() > kMostSamples) return wrong(too_much);
    if (!options.prefixed) {
        split_lines(bytes, samples);
    } else if (!split_prefixed(bytes, samples)) {
        return wrong(options.samples + " does not consist of complete messages with length prefixes");
    }
    return samples;
}

int train(const TrainOptions& options) {
    const Progress progress("training");
    const auto samples = read_samples(options);
    if (!samples) return cannot_train(samples.error().text);
    const auto dictionary = wire::train_dictionary(*samples, options.size);
    if (!dictionary) return cannot_train(dictionary.error().text);
    base::Writing writing;
    writing.access = base::Access::open;
    if (const auto written = base::put_file(options.output, {}, *dictionary, writing); !written)
        return cannot_train(written.error().text);
    report(*samples, *dictionary, options.json);
    return kDone;
}

}  // namespace

void add_train(CLI::App& app, Run& run) {
    auto options = std::make_shared<TrainOptions>();
    CLI::App* command = app.add_subcommand("train", "Make a compression dictionary from sample messages");
    command
        ->add_option("samples", options->samples,
                     "a folder with one message per file, or a file with one message per line")
        ->required()
        ->type_name("SAMPLES");
    command->add_option("output", options->output, "the dictionary")->required()->type_name("FILE");
    command->add_option("--size", options->size, "size of the dictionary")
        ->capture_default_str()
        ->check(CLI::Range(std::size_t{256}, wire::Dictionary::kMaxBytes))
        ->type_name("BYTES");
    command->add_flag("--prefixed", options->prefixed,
                      "each message in the file is preceded by its length, 4 bytes, big endian");
    command->add_flag("--json", options->json, "print one JSON object");
    command->callback([options, &run] { run = [options] { return train(*options); }; });
}

}  // namespace flare::cli
