// Policy rules: who may send what to whom. The first matching rule decides.
//
// Threads: immutable: any.
// Owner:   Config.
#pragma once

#include <flare/server.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace flare::server {

// Patterns as in PolicyRule. Allocates nothing.
bool fits_one(const std::vector<std::string>& patterns, std::string_view name) noexcept;
// What is wrong with the first one that is wrong, in words: `"a*b" has a * ...`; empty: nothing is.
std::string fault_of_patterns(const std::vector<std::string>& patterns);

class MessageRules {
public:
    static constexpr std::size_t kMost = 1000;

    MessageRules() = default;
    explicit MessageRules(std::vector<PolicyRule> rules) : rules_(std::move(rules)) {}

    // In words, with the number of the rule, from 1; empty: nothing is wrong.
    static std::string fault_of(const std::vector<PolicyRule>& rules);
    // The same of one rule, without a number: `to: "a*b" ...`.
    static std::string fault_of(const PolicyRule& rule);

    // Without rules everything is allowed, else what one of them allows. Allocates nothing.
    bool allow(std::string_view from, std::string_view to, std::string_view type) const noexcept;
    std::size_t size() const noexcept { return rules_.size(); }

private:
    std::vector<PolicyRule> rules_;
};

}  // namespace flare::server
