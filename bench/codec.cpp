// One round trip: a data frame (lane, number, one ack; id, type, 256 bytes of payload, to, from, timestamp) is
// encoded into a Batch that is used again, read back and decoded.
//
// Options: --seconds S (default 2), --json. Fails when a round trip allocates, or changes what it carries.
#include "allocations.hpp"
#include "bench.hpp"

#include "wire/batch.hpp"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

namespace flare::bench {
namespace {

using Clock = std::chrono::steady_clock;

struct Sample {
    std::string payload = std::string(256, 'x');
    wire::FrameHeader header;
    wire::DataView data;

    Sample() {
        header.lane = 2;
        header.seq = 4'711;
        header.acks.push_back({2, 4'700, 9'000, 1'048'576});
        wire::MessageView message;
        message.id = Uuid::v7();
        message.type = "chat";
        message.payload = payload;
        message.timestamp_ms = 1'750'000'000'000;
        message.to = "user-0815";
        data.from = "user-4711";
        data.message = message;
    }
};

// Returns false when what came out is not what went in.
bool round_trip(const Sample& sample, wire::Batch& batch, wire::FrameView& frame) {
    batch.clear();
    batch.add_data(sample.header, sample.data);
    wire::BatchReader reader(batch.head());
    if (!reader.next(frame)) return false;
    const auto data = wire::decode_data(frame.body);
    return data && data->message && data->message->id == sample.data.message->id &&
           data->message->payload.size() == sample.payload.size() && frame.seq == sample.header.seq;
}

}  // namespace

int bench_codec(int argc, char** argv) {
    bool json = false;
    double seconds = 2;
    for (int i = 1; i < argc; ++i) {
        const std::string_view option = argv[i];
        if (option == "--json") {
            json = true;
        } else if (option == "--seconds" && i + 1 < argc) {
            seconds = std::clamp(std::atof(argv[++i]), 0.1, 600.0);
        } else {
            std::fprintf(stderr, "codec: unknown option %s\n", argv[i]);
            return 2;
        }
    }

    Sample sample;
    wire::Batch batch;
    wire::FrameView frame;
    if (!round_trip(sample, batch, frame)) {
        std::fputs("codec: a message did not survive its round trip\n", stderr);
        return 1;
    }

    // Other work on the machine only slows a slice down: the median slice is the figure.
    constexpr int kSlices = 20;
    constexpr std::uint64_t kStride = 10'000;
    const auto slice = std::chrono::duration<double>(seconds / kSlices);
    std::vector<double> rates;
    rates.reserve(kSlices);
    std::uint64_t trips = 0;
    bool intact = true;
    const std::uint64_t allocations_before = allocations();
    for (int i = 0; i < kSlices; ++i) {
        const auto start = Clock::now();
        std::uint64_t count = 0;
        std::chrono::duration<double> elapsed{};
        do {
            for (std::uint64_t n = 0; n < kStride; ++n) {
                ++sample.header.seq;
                intact = round_trip(sample, batch, frame) && intact;
            }
            count += kStride;
            elapsed = Clock::now() - start;
        } while (elapsed < slice);
        rates.push_back(static_cast<double>(count) / elapsed.count());
        trips += count;
    }
    const double per_trip = static_cast<double>(allocations() - allocations_before) / static_cast<double>(trips);
    std::sort(rates.begin(), rates.end());
    const double rate = rates[rates.size() / 2];

    std::printf("codec: %.2f M round trips/s (median of %d slices; best %.2f), %.1f ns each, %.3f allocations each\n",
                rate / 1e6, kSlices, rates.back() / 1e6, 1e9 / rate, per_trip);
    if (json) {
        std::printf("{\"round_trips_per_second\":%.0f,\"allocations_per_round_trip\":%.6g}\n", rate, per_trip);
    }
    if (!intact) std::fputs("codec: a message did not survive its round trip\n", stderr);
    return intact && per_trip == 0 ? 0 : 1;
}

}  // namespace flare::bench
