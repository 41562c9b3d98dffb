// Payloads of a chat, made by a generator with a seed: what they shrink to with zstd, zstd and a dictionary, and gzip,
// and what compressing and inflating cost. The dictionary is trained on messages of another seed. All sizes are those
// of payloads; a payload that goes as it is counts with its whole size.
//
// Options: --messages N (default 4000), --seed S (1), --dictionary BYTES (16384), --json. Fails when a payload does not
// survive.
#include "bench.hpp"

#include "wire/compression.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include <ctime>

namespace flare::bench {
namespace {

using wire::Encoding;

// Messages as an application's clients write them: JSON around a text of words that are drawn like those of a language
// (a few very often), with ids, times, mentions, links, and now and then a long paste.
class Corpus {
public:
    explicit Corpus(unsigned seed) : random_(seed) {
        std::mt19937 language(7);  // the same words for every seed
        static constexpr const char* kSyllables[] = {"ta", "re", "mi", "no", "la", "ver", "sen", "ko",
                                                     "li", "du", "an", "er", "in", "st",  "on",  "the",
                                                     "al", "or", "ma", "pe", "ch", "ing"};
        for (std::size_t i = 0; i < kWords; ++i) {
            std::string word;
            for (std::size_t n = 1 + language() % 4; n > 0; --n) word += kSyllables[language() % std::size(kSyllables)];
            words_.push_back(std::move(word));
        }
    }

    std::string next() {
        const auto kind = static_cast<unsigned>(random_() % 100);
        const std::size_t words = kind < 70   ? 2 + random_() % 14
                                  : kind < 95 ? 15 + random_() % 60
                                              : 200 + random_() % 800;
        std::string body;
        for (std::size_t i = 0; i < words; ++i) {
            if (i != 0) body += ' ';
            const auto special = static_cast<unsigned>(random_() % 60);
            if (special == 0) {
                body += "@user" + std::to_string(random_() % 500);
            } else if (special == 1) {
                body += "https://example.com/t/" + hex(10);
            } else {
                body += word();
            }
        }
        return R"({"v":2,"kind":")" + std::string(kind % 7 == 0 ? "reply" : "text") + R"(","thread":")" + hex(8) +
               R"(","author":{"id":"u)" + std::to_string(random_() % 20'000) + R"(","name":")" + word() +
               R"("},"sent":)" + std::to_string(1'760'000'000'000 + random_() % 1'000'000'000) + R"(,"body":")" + body +
               R"(","mentions":[],"client":{"app":"chat","version":"4.)" + std::to_string(random_() % 30) + R"("}})";
    }

private:
    static constexpr std::size_t kWords = 4000;

    const std::string& word() {
        // Zipf's law, nearly: the rank is spread evenly over its logarithm.
        const double even = std::uniform_real_distribution<double>(0, 1)(random_);
        const auto rank = static_cast<std::size_t>(std::pow(static_cast<double>(kWords), even)) - 1;
        return words_[std::min(rank, kWords - 1)];
    }
    std::string hex(std::size_t digits) {
        std::string out;
        while (out.size() < digits) out += "0123456789abcdef"[random_() % 16];
        return out;
    }

    std::mt19937 random_;
    std::vector<std::string> words_;
};

double cpu_seconds() {
    timespec time{};
    ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

// The median of several runs over all messages, in microseconds for each message.
template <typename Run>
double cpu_us_per_message(std::size_t messages, Run run) {
    std::vector<double> costs;
    run();
    for (int i = 0; i < 9; ++i) {
        const double began = cpu_seconds();
        run();
        costs.push_back((cpu_seconds() - began) * 1e6 / static_cast<double>(messages));
    }
    std::nth_element(costs.begin(), costs.begin() + 4, costs.end());
    return costs[4];
}

struct Packet {
    Encoding encoding = Encoding::none;
    std::string bytes;  // empty: the payload goes as it is
};

struct Row {
    std::string name;
    double share = 1;       // of the bytes before
    double compressed = 0;  // share of messages
    double pack_us = 0;
    double inflate_us = 0;
};

bool measure(const std::vector<std::string>& messages, const wire::Compression& compression, wire::Encodings encodings,
             Row& row) {
    std::vector<Packet> packets(messages.size());
    std::uint64_t before = 0;
    std::uint64_t after = 0;
    std::size_t packed_count = 0;
    for (std::size_t i = 0; i < messages.size(); ++i) {
        before += messages[i].size();
        if (const auto packed = compression.pack(messages[i], encodings)) {
            packets[i] = {packed->encoding, std::string(packed->bytes)};
            ++packed_count;
        }
        after += packets[i].bytes.empty() ? messages[i].size() : packets[i].bytes.size();
    }
    bool intact = true;
    const auto inflate = [&] {
        for (std::size_t i = 0; i < messages.size(); ++i) {
            if (packets[i].bytes.empty()) continue;
            wire::MessageView message;
            message.payload = packets[i].bytes;
            message.encoding = packets[i].encoding;
            message.size = messages[i].size();
            const auto payload = compression.inflate(message, encodings, wire::kDefaultMaxMessageBytes);
            intact = intact && payload && payload->size() == messages[i].size();
        }
    };
    row.share = static_cast<double>(after) / static_cast<double>(before);
    row.compressed = static_cast<double>(packed_count) / static_cast<double>(messages.size());
    row.pack_us = cpu_us_per_message(messages.size(), [&] {
        for (const std::string& message : messages) (void)compression.pack(message, encodings);
    });
    row.inflate_us = cpu_us_per_message(messages.size(), inflate);
    return intact;
}

}  // namespace

int bench_compress(int argc, char** argv) {
    bool json = false;
    std::size_t count = 4000;
    unsigned seed = 1;
    std::size_t dictionary_bytes = 16 * 1024;
    for (int i = 1; i < argc; ++i) {
        const std::string_view option = argv[i];
        if (option == "--json") {
            json = true;
        } else if (option == "--messages" && i + 1 < argc) {
            count = static_cast<std::size_t>(std::clamp(std::atoi(argv[++i]), 100, 1'000'000));
        } else if (option == "--seed" && i + 1 < argc) {
            seed = static_cast<unsigned>(std::atoi(argv[++i]));
        } else if (option == "--dictionary" && i + 1 < argc) {
            dictionary_bytes = static_cast<std::size_t>(std::clamp(std::atoi(argv[++i]), 256, 1024 * 1024));
        } else {
            std::fprintf(stderr, "compress: unknown option %s\n", argv[i]);
            return 2;
        }
    }
    Corpus corpus(seed);
    std::vector<std::string> messages;
    std::vector<std::size_t> sizes;
    std::uint64_t bytes = 0;
    for (std::size_t i = 0; i < count; ++i) {
        messages.push_back(corpus.next());
        sizes.push_back(messages.back().size());
        bytes += messages.back().size();
    }
    std::sort(sizes.begin(), sizes.end());
    Corpus other(seed + 1);
    std::vector<std::string> samples;
    for (std::size_t i = 0; i < 10'000; ++i) samples.push_back(other.next());
    const auto trained = wire::train_dictionary(samples, dictionary_bytes);
    if (!trained) {
        std::fprintf(stderr, "compress: %s\n", trained.error().text.c_str());
        return 1;
    }

    std::vector<Row> rows;
    bool intact = true;
    rows.push_back({"none", 1, 0, 0, 0});
    for (const int level : {1, 3}) {
        wire::Compression::Options options;
        options.level = level;
        auto dictionary = wire::Dictionary::make(*trained, level, "the dictionary");
        if (!dictionary) return 1;
        options.dictionary = std::move(*dictionary);
        const wire::Compression compression(std::move(options));
        const std::string at = "zstd level " + std::to_string(level);
        const auto run = [&](const std::string& name, Encoding encoding) {
            rows.push_back({name, 1, 0, 0, 0});
            intact = measure(messages, compression, wire::set_of(encoding), rows.back()) && intact;
        };
        run(at, Encoding::zstd);
        run(at + ", dictionary", Encoding::zstd_dictionary);
        if (level == 3) run("gzip", Encoding::gzip);
    }

    std::printf(
        "compress: %zu messages of seed %u, %.0f bytes on average (median %zu, 99 %% at most %zu); "
        "a dictionary of %zu bytes, trained on 10,000 messages of seed %u\n\n",
        count, seed, static_cast<double>(bytes) / static_cast<double>(count), sizes[count / 2], sizes[count * 99 / 100],
        trained->size(), seed + 1);
    std::printf(
        "| | bytes | messages compressed | CPU to compress, µs per message | CPU to decompress, µs per message |\n");
    std::printf("|---|---|---|---|---|\n");
    for (const Row& row : rows) {
        std::printf("| %s | %.0f %% | %.0f %% | %.2f | %.2f |\n", row.name.c_str(), row.share * 100,
                    row.compressed * 100, row.pack_us, row.inflate_us);
    }
    if (json) {
        std::printf("{\"rows\":[");
        for (std::size_t i = 0; i < rows.size(); ++i) {
            std::printf("%s{\"name\":\"%s\",\"share\":%.4f,\"pack_us\":%.3f,\"inflate_us\":%.3f}", i == 0 ? "" : ",",
                        rows[i].name.c_str(), rows[i].share, rows[i].pack_us, rows[i].inflate_us);
        }
        std::printf("]}\n");
    }
    if (!intact) std::fputs("compress: a payload did not survive\n", stderr);
    return intact ? 0 : 1;
}

}  // namespace flare::bench
