#include "send_script.hpp"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

namespace flare::transport::websocket::test {
namespace {

thread_local SendScript* script = nullptr;

}  // namespace

SendScript::SendScript(std::deque<long> results_) : results(std::move(results_)) { script = this; }

SendScript::~SendScript() { script = nullptr; }

}  // namespace flare::transport::websocket::test

// In place of the C library's, for everything that is linked into this program.
extern "C" ssize_t send(int fd, const void* bytes, size_t size, int flags) {
    auto* const script = flare::transport::websocket::test::script;
    if (script != nullptr) {
        script->offered.push_back(size);
        if (!script->results.empty()) {
            const long result = script->results.front();
            script->results.pop_front();
            if (result < 0) {
                errno = static_cast<int>(-result);
                return -1;
            }
            size = std::min(size, static_cast<size_t>(result));
        }
    }
    return ::sendto(fd, bytes, size, flags, nullptr, 0);
}
