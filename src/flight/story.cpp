#include "flight/story.hpp"

#include "flight/causes.hpp"
#include "flight/evidence.hpp"
#include "flight/teller.hpp"

#include <algorithm>
#include <cstdio>
#include <utility>

namespace flare::flight {
namespace {

constexpr std::size_t kMaxProblems = 20;  // that are told one by one

}  // namespace

std::string after_colon(const std::string& text) { return text.empty() ? text : ": " + text; }

std::string duration(double ms) {
    char text[48];
    if (ms < 10) {
        std::snprintf(text, sizeof text, "%.1f ms", ms);
    } else if (ms < 10'000) {
        std::snprintf(text, sizeof text, "%.0f ms", ms);
    } else if (ms < 600'000) {
        std::snprintf(text, sizeof text, "%.1f s", ms / 1000);
    } else {
        std::snprintf(text, sizeof text, "%.0f min", ms / 60'000);
    }
    return text;
}

Story tell(std::string_view record, std::string conversation) {
    Teller teller(std::move(conversation));
    std::size_t number = 0;
    std::size_t bad = 0;
    while (!record.empty()) {
        const std::size_t end = std::min(record.find('\n'), record.size());
        const std::string_view line = record.substr(0, end);
        record.remove_prefix(std::min(end + 1, record.size()));
        ++number;
        if (line.find_first_not_of(" \t\r") == std::string_view::npos) continue;
        std::string why;
        if (const auto read = Record::read(line, why)) {
            teller.take(*read);
        } else if (++bad <= kMaxProblems) {
            teller.story.problems.push_back("line " + std::to_string(number) + " " + why);
        }
    }
    if (bad > kMaxProblems)
        teller.story.problems.push_back("and " + std::to_string(bad - kMaxProblems) + " lines more");
    teller.end();
    return std::move(teller.story);
}

}  // namespace flare::flight
