// What a check of a store has found: how much there is, and what contradicts itself.
//
// Protocol: docs/store.md, "Checking".
// Threads:  values.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace flare::store {

struct Finding {
    std::string where{};  // "conversation 5, room tea"; "ids"; "file"
    std::string what{};
};

struct CheckReport {
    std::uint64_t users = 0;
    std::uint64_t conversations = 0;  // with those that were removed
    std::uint64_t members = 0;        // rows, with those of who left
    std::uint64_t entries = 0;
    std::uint64_t fault_count = 0;
    std::vector<Finding> faults{};  // the first ones

    bool good() const noexcept { return fault_count == 0; }
    void add(std::string where, std::string what, std::size_t most) {
        ++fault_count;
        if (faults.size() < most) faults.push_back({std::move(where), std::move(what)});
    }
};

}  // namespace flare::store
