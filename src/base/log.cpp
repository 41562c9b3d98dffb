#include "base/log.hpp"

#include <spdlog/sinks/stdout_sinks.h>

namespace flare::base {

spdlog::logger& log() {
    static const auto logger = [] {
        auto made = std::make_shared<spdlog::logger>("flare", std::make_shared<spdlog::sinks::stderr_sink_mt>());
        made->set_pattern("%Y-%m-%dT%H:%M:%S.%e %^%l%$ %v");
        return made;
    }();
    return *logger;
}

}  // namespace flare::base
