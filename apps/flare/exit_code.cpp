#include "exit_code.hpp"

namespace flare::cli {

ExitCode exit_code_of(errc code) noexcept {
    const auto number = static_cast<int>(code);
    if (code == errc::ok || code == errc::message_too_large || code == errc::outbox_full) return kFailed;
    if (number < 200 || (number >= 500 && number < 600)) return kUnreachable;
    // A client command has no store of its own: it is the server's that is damaged.
    if (number < 400 || code == errc::not_supported || code == errc::store_damaged) return kRefused;
    return number < 500 || number >= 700 || code == errc::internal ? kFailed : kUsage;
}

}  // namespace flare::cli
