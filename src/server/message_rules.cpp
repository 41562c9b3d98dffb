#include "server/message_rules.hpp"

#include "wire/frame.hpp"

#include <algorithm>
#include <utility>

namespace flare::server {
namespace {

using Patterns = std::vector<std::string>;

bool fits(std::string_view pattern, std::string_view name) noexcept {
    if (pattern.ends_with('*')) return name.starts_with(pattern.substr(0, pattern.size() - 1));
    if (pattern.starts_with('*')) return name.ends_with(pattern.substr(1));
    return name == pattern;
}

// What is wrong with it; empty: nothing.
std::string_view fault_of_pattern(std::string_view pattern) noexcept {
    if (pattern.empty()) return "is empty: write \"*\" for anything";
    if (!wire::is_name(pattern)) return "is longer than 256 bytes, or not UTF-8";
    const std::size_t stars = static_cast<std::size_t>(std::count(pattern.begin(), pattern.end(), '*'));
    const bool at_an_end = pattern.starts_with('*') || pattern.ends_with('*');
    if (stars > 1 || (stars == 1 && !at_an_end)) return "has a * that is neither its first nor its last character";
    return {};
}

}  // namespace

bool fits_one(const Patterns& patterns, std::string_view name) noexcept {
    return std::any_of(patterns.begin(), patterns.end(), [&](const std::string& each) { return fits(each, name); });
}

std::string fault_of_patterns(const Patterns& patterns) {
    for (const std::string& each : patterns) {
        const std::string_view fault = fault_of_pattern(each);
        if (!fault.empty()) return "\"" + each + "\" " + std::string(fault);
    }
    return {};
}

std::string MessageRules::fault_of(const PolicyRule& rule) {
    for (const auto& [name, patterns] : {std::pair("from", &rule.from), std::pair("to", &rule.to)}) {
        if (patterns->empty()) return std::string(name) + ": names nobody: write [\"*\"] for anybody";
    }
    for (const auto& [name, patterns] :
         {std::pair("from", &rule.from), std::pair("to", &rule.to), std::pair("types", &rule.types)}) {
        if (const std::string fault = fault_of_patterns(*patterns); !fault.empty())
            return std::string(name) + ": " + fault;
    }
    return {};
}

std::string MessageRules::fault_of(const std::vector<PolicyRule>& rules) {
    if (rules.size() > kMost) return "there are more than " + std::to_string(kMost) + " rules";
    for (std::size_t i = 0; i < rules.size(); ++i) {
        if (const std::string fault = fault_of(rules[i]); !fault.empty())
            return "rule " + std::to_string(i + 1) + ": " + fault;
    }
    return {};
}

bool MessageRules::allow(std::string_view from, std::string_view to, std::string_view type) const noexcept {
    if (rules_.empty()) return true;
    for (const PolicyRule& rule : rules_) {
        if (fits_one(rule.from, from) && fits_one(rule.to, to) && (rule.types.empty() || fits_one(rule.types, type)))
            return rule.allow;
    }
    return false;
}

}  // namespace flare::server
