#include "api/calls.hpp"

#include <algorithm>

namespace flare::cli::api {

const Parameter* Call::find(std::string_view option) const noexcept {
    const auto found = std::ranges::find(parameters, option, &Parameter::option);
    return found == parameters.end() ? nullptr : &*found;
}

const Call* find_call(std::string_view name) noexcept {
    const auto all = calls();
    const auto found = std::ranges::find(all, name, &Call::name);
    return found == all.end() ? nullptr : &*found;
}

}  // namespace flare::cli::api
