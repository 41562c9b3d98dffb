#include "flight/line.hpp"

#include <cstdio>
#include <ctime>

namespace flare::flight {

std::string utc(std::chrono::system_clock::time_point time) {
    const auto since = std::chrono::duration_cast<std::chrono::milliseconds>(time.time_since_epoch());
    const auto seconds = static_cast<std::time_t>(since.count() / 1000);
    std::tm broken{};
    gmtime_r(&seconds, &broken);
    char text[64];
    const std::size_t size = std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &broken);
    std::snprintf(text + size, sizeof text - size, ".%03dZ", static_cast<int>(since.count() % 1000));
    return text;
}

}  // namespace flare::flight
