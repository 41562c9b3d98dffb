#include "transport/carrier.hpp"

#include <cerrno>

namespace flare::transport {

std::string_view name(Ending ending) noexcept {
    switch (ending) {
        case Ending::said: return "said";
        case Ending::finished: return "finished";
        case Ending::reset: return "reset";
        case Ending::unreachable: return "unreachable";
        case Ending::silent: return "silent";
        case Ending::stateless_reset: return "stateless_reset";
        case Ending::broken: return "broken";
    }
    return "unknown";
}

Ending ending_of(int error) noexcept {
    switch (error) {
        case ECONNRESET:
        case EPIPE: return Ending::reset;
        case ETIMEDOUT: return Ending::silent;
        case ECONNREFUSED:
        case ENETUNREACH:
        case EHOSTUNREACH:
        case ENETDOWN:
        case EHOSTDOWN: return Ending::unreachable;
        default: return Ending::broken;
    }
}

}  // namespace flare::transport
