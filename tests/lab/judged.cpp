#include "lab/judged.hpp"

#include <cstdio>

namespace flare::lab {

void Judged::add(const Stage::Outcome& outcome, const EventLog& events) {
    ++runs_;
    sum_.lost += outcome.lost;
    sum_.repeated += outcome.repeated;
    sum_.reordered += outcome.reordered;
    sum_.refused += outcome.refused;
    const bool clean = outcome.lost + outcome.repeated + outcome.reordered + outcome.refused == 0;
    good_ = good_ && clean;
    if (!clean)
        std::printf("  run %d: lost %llu, repeated %llu, reordered %llu, refused %llu\n", runs_,
                    static_cast<unsigned long long>(outcome.lost), static_cast<unsigned long long>(outcome.repeated),
                    static_cast<unsigned long long>(outcome.reordered),
                    static_cast<unsigned long long>(outcome.refused));
    if (!clean || options_.verbose) std::printf("  run %d events: %s\n", runs_, events.text().c_str());
}

void Judged::expect(bool holds, const std::string& what) {
    if (!holds) std::printf("  FAILED: %s\n", what.c_str());
    good_ = good_ && holds;
}

void Judged::limit(const std::string& what, double measured, double most) {
    const bool holds = measured <= most;
    std::printf("  %-44s %8.1f ms   limit %8.1f%s\n", what.c_str(), measured, most, holds ? "" : "   OVER");
    good_ = good_ && (holds || !options_.limits);
}

int Judged::finish() {
    std::printf(
        "%s: %d runs, lost=%llu repeated=%llu reordered=%llu, longest silence p50 %.1f ms, p95 %.1f ms, max %.1f ms\n",
        scenario_, runs_, static_cast<unsigned long long>(sum_.lost), static_cast<unsigned long long>(sum_.repeated),
        static_cast<unsigned long long>(sum_.reordered), silences.median(), silences.percentile(0.95),
        silences.worst());
    if (options_.json)
        std::printf(
            "{\"runs\":%d,\"lost\":%llu,\"repeated\":%llu,\"reordered\":%llu,\"silence_p50_ms\":%.1f,"
            "\"silence_p95_ms\":%.1f,\"silence_max_ms\":%.1f}\n",
            runs_, static_cast<unsigned long long>(sum_.lost), static_cast<unsigned long long>(sum_.repeated),
            static_cast<unsigned long long>(sum_.reordered), silences.median(), silences.percentile(0.95),
            silences.worst());
    return status();
}

}  // namespace flare::lab
