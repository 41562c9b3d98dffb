#include "stats.hpp"

#include <cmath>
#include <fstream>
#include <stdexcept>

namespace flare::bench {
namespace {

constexpr double kWidth = 720;
constexpr double kHeight = 400;
constexpr double kMargin = 60;
constexpr double kNines = 4;  // the curve goes to 99.99 %

// Latency over percentile; to the right each step is another nine.
void draw(Latencies& latencies, const char* name, const std::string& path) {
    const double most = std::max(latencies.percentile_us(1 - std::pow(10, -kNines)), 1.0);
    const auto x = [](double nines) { return kMargin + nines / kNines * (kWidth - 2 * kMargin); };
    const auto y = [most](double us) { return kHeight - kMargin - us / most * (kHeight - 2 * kMargin); };
    std::ofstream out(path);
    out << "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 " << kWidth << ' ' << kHeight
        << "\" font-family=\"sans-serif\" font-size=\"12\">\n<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n";
    constexpr const char* kPercentiles[] = {"0", "90 %", "99 %", "99.9 %", "99.99 %"};
    for (int i = 0; i <= static_cast<int>(kNines); ++i) {
        out << "<line x1=\"" << x(i) << "\" x2=\"" << x(i) << "\" y1=\"" << y(0) << "\" y2=\"" << y(most)
            << "\" stroke=\"#ddd\"/>\n<text x=\"" << x(i) << "\" y=\"" << y(0) + 18 << "\" text-anchor=\"middle\">"
            << kPercentiles[i] << "</text>\n";
        const double us = most * i / kNines;
        out << "<line x1=\"" << x(0) << "\" x2=\"" << x(kNines) << "\" y1=\"" << y(us) << "\" y2=\"" << y(us)
            << "\" stroke=\"#ddd\"/>\n<text x=\"" << x(0) - 6 << "\" y=\"" << y(us) + 4 << "\" text-anchor=\"end\">"
            << std::lround(us) << "</text>\n";
    }
    out << "<text x=\"" << kMargin << "\" y=\"" << kMargin / 2 << "\">" << name
        << ": latency in microseconds by percentile</text>\n<polyline fill=\"none\" stroke=\"#06c\" stroke-width=\"2\" "
           "points=\"";
    for (double nines = 0; nines <= kNines; nines += 0.02)
        out << x(nines) << ',' << y(latencies.percentile_us(1 - std::pow(10, -nines))) << ' ';
    out << "\"/>\n</svg>\n";
    if (!out.flush()) throw std::runtime_error("cannot write " + path);
}

}  // namespace

int LoadResult::print(const char* name, const LoadOptions& options) {
    const double rate = static_cast<double>(messages) / seconds;
    const double cpu_us = server_cpu_us_per_message();
    const double p50 = latencies.percentile_us(0.5);
    const double p99 = latencies.percentile_us(0.99);
    const double p999 = latencies.percentile_us(0.999);
    const double megabytes = static_cast<double>(server_memory_bytes) / (1 << 20);
    std::FILE* const out = for_people(options.json);
    std::fprintf(out, "%s: %zu connections, ", name, options.connections);
    if (options.rate == 0) {
        std::fprintf(out, "%zu in flight", options.in_flight);
    } else {
        std::fprintf(out, "%.0f a second asked for", options.rate);
    }
    std::fprintf(out, ", %zu bytes: %.0f messages/s, ", options.size, rate);
    if (server_seen) std::fprintf(out, "server CPU %.3f us each (workers %.3f), ", cpu_us, worker_cpu_us_per_message());
    std::fprintf(out, "p50 %.1f us, p99 %.1f us, p99.9 %.1f us, %llu lost", p50, p99, p999,
                 static_cast<unsigned long long>(lost));
    if (server_memory_bytes != 0) std::fprintf(out, ", server memory %.1f MiB", megabytes);
    const auto each = [&](const std::optional<std::uint64_t>& calls) {
        return static_cast<double>(calls.value_or(0)) / static_cast<double>(std::max<std::uint64_t>(messages, 1));
    };
    if (allocations)
        std::fprintf(out, ", %.3f allocations each (%.3f more by libraries)", each(allocations),
                     each(library_allocations));
    std::fprintf(out, "\n");
    if (options.json) {
        std::printf("{\"messages_per_second\":%.0f,", rate);
        if (server_seen)
            std::printf("\"server_cpu_us_per_message\":%.3f,\"worker_cpu_us_per_message\":%.3f,", cpu_us,
                        worker_cpu_us_per_message());
        std::printf("\"p50_us\":%.1f,\"p99_us\":%.1f,\"p999_us\":%.1f,", p50, p99, p999);
        if (server_memory_bytes != 0) std::printf("\"server_memory_mib\":%.1f,", megabytes);
        if (allocations)
            std::printf("\"allocations_per_message\":%.3f,\"library_allocations_per_message\":%.3f,", each(allocations),
                        each(library_allocations));
        std::printf("\"lost\":%llu}\n", static_cast<unsigned long long>(lost));
    }
    if (!options.picture.empty()) draw(latencies, name, options.picture);
    return lost == 0 && messages != 0 ? 0 : 1;
}

}  // namespace flare::bench
