#include "race_table.hpp"

#include "phrases.hpp"

#include <algorithm>
#include <array>
#include <cstdio>

namespace flare::cli {
namespace {

constexpr double kHysteresis = 1.2;  // docs/racing.md, "When the session moves"

std::string time_or_dash(const std::optional<std::chrono::nanoseconds>& time) { return time ? time_text(*time) : "-"; }

std::string number(const char* format, const std::optional<double>& value) {
    if (!value) return "-";
    std::array<char, 32> text{};
    std::snprintf(text.data(), text.size(), format, *value);
    return text.data();
}

std::string row(const std::array<std::string, 9>& cells) {
    constexpr std::array<int, 9> kWidths{11, 9, 9, 9, 9, 10, 8, 7, 7};
    std::string line;
    for (std::size_t i = 0; i < cells.size(); ++i) {
        std::array<char, 64> cell{};
        std::snprintf(cell.data(), cell.size(), i == 0 ? "%-*s" : "%*s", kWidths[i], cells[i].c_str());
        line += cell.data();
    }
    return line;
}

std::string sentence_of(const ProtocolMetrics& each) {
    const std::string who(spoken(each.protocol));
    if (!each.available) return who + ": not reached; flare doctor finds out why.";
    if (!each.score) {
        return who + ": " +
               (each.connection_latency ? "connected in " + time_text(*each.connection_latency) : "no connection yet") +
               ", not measured yet.";
    }
    return who + ": connected in " + time_or_dash(each.connection_latency) + ", median round trip " +
           time_or_dash(each.latency_median) + ", jitter " + time_or_dash(each.jitter) + ", " +
           (each.bytes_per_second ? rate_text(*each.bytes_per_second) + ", " : "") +
           number("%.0f", each.success_rate ? std::optional(*each.success_rate * 100) : std::nullopt) +
           " % of the probes answered, weight " + number("%.2f", each.weight) + ": score " +
           number("%.1f", each.score) + ".";
}

std::string choice_of(const ProtocolMetrics* used, const ProtocolMetrics* other) {
    const std::string who(spoken(used->protocol));
    if (other == nullptr) return who + " is used: it is the only protocol with an address.";
    const std::string whom(spoken(other->protocol));
    if (!other->available) return who + " is used because " + whom + " could not be reached.";
    if (!used->score || !other->score) return who + " is used because it connected first; nothing is measured yet.";
    if (*used->score >= *other->score) {
        return who + " is used because its score is higher, " + number("%.1f", used->score) + " against " +
               number("%.1f", other->score) + ".";
    }
    if (*other->score <= kHysteresis * *used->score) {
        return who + " stays in use: " + whom + " scores " + number("%.2f", *other->score / *used->score) +
               " times as high, and the session moves at 1.20 times or more.";
    }
    return who + " is still in use although " + whom + " scores " + number("%.2f", *other->score / *used->score) +
           " times as high: the session moves at most once per interval.";
}

}  // namespace

std::vector<std::string> race_table(const std::vector<ProtocolMetrics>& measured, std::optional<Protocol> in_use) {
    std::vector<std::string> lines{
        row({"protocol", "connect", "median", "p99", "jitter", "rate", "answers", "weight", "score"})};
    for (const ProtocolMetrics& each : measured) {
        std::string who(spoken(each.protocol));
        if (in_use == each.protocol) who += " *";
        lines.push_back(row({who, each.available ? time_or_dash(each.connection_latency) : "failed",
                             time_or_dash(each.latency_median), time_or_dash(each.latency_p99),
                             time_or_dash(each.jitter), each.bytes_per_second ? rate_text(*each.bytes_per_second) : "-",
                             each.success_rate ? number("%.0f%%", *each.success_rate * 100) : "-",
                             number("%.2f", each.weight), number("%.1f", each.score)}));
    }
    return lines;
}

std::vector<std::string> race_sentences(const std::vector<ProtocolMetrics>& measured, std::optional<Protocol> in_use) {
    std::vector<std::string> lines;
    for (const ProtocolMetrics& each : measured) lines.push_back(sentence_of(each));
    const auto used = std::find_if(measured.begin(), measured.end(),
                                   [&](const ProtocolMetrics& each) { return in_use == each.protocol; });
    if (used == measured.end()) {
        lines.emplace_back("No connection is in use.");
        return lines;
    }
    const auto other = std::find_if(measured.begin(), measured.end(),
                                    [&](const ProtocolMetrics& each) { return in_use != each.protocol; });
    lines.push_back(choice_of(&*used, other == measured.end() ? nullptr : &*other));
    return lines;
}

}  // namespace flare::cli
