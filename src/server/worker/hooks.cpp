#include "server/worker/hooks.hpp"

#include "base/log.hpp"

#include <exception>
#include <utility>

namespace flare::server {

void Hooks::call(std::function<void(EventHandler&)> call) {
    if (!wanted()) return;
    const bool queued = executor_.in_hooks([events = state_.config.events, call = std::move(call)] {
        try {
            call(*events);
        } catch (const std::exception& error) {
            base::log().limited(base::LogKind::event_handler_threw, "an event handler threw: {}", error.what());
        } catch (...) {
            base::log().limited(base::LogKind::event_handler_threw,
                                "an event handler threw something that is not an exception");
        }
    });
    if (!queued)
        base::log().limited(base::LogKind::dropped_event,
                            "an event was dropped: the event handler is too slow or has stopped");
}

}  // namespace flare::server
