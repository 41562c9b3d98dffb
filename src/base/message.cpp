#include <flare/message.hpp>

namespace flare {

std::string_view name(Platform platform) noexcept {
    switch (platform) {
        case Platform::unknown: return "unknown";
        case Platform::android: return "android";
        case Platform::ios: return "ios";
        case Platform::web: return "web";
        case Platform::desktop: return "desktop";
        case Platform::server: return "server";
    }
    return "unknown";
}

std::string_view name(Protocol protocol) noexcept {
    switch (protocol) {
        case Protocol::websocket: return "websocket";
        case Protocol::quic: return "quic";
    }
    return "unknown";
}

std::string_view name(Durability durability) noexcept {
    switch (durability) {
        case Durability::none: return "none";
        case Durability::memory: return "memory";
        case Durability::commit: return "commit";
    }
    return "unknown";
}

}  // namespace flare
