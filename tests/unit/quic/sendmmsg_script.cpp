#include "unit/quic/sendmmsg_script.hpp"

#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace flare::transport::quic::test {
namespace {

thread_local SendmmsgScript* script = nullptr;

}  // namespace

SendmmsgScript::SendmmsgScript(std::deque<int> results_) : results(std::move(results_)) { script = this; }

SendmmsgScript::~SendmmsgScript() { script = nullptr; }

}  // namespace flare::transport::quic::test

// In place of the C library's, for everything that is linked into this program.
extern "C" int sendmmsg(int fd, mmsghdr* messages, unsigned count, int flags) {
    auto* const script = flare::transport::quic::test::script;
    if (script != nullptr) {
        script->offered.push_back(count);
        if (!script->results.empty()) {
            const int result = script->results.front();
            script->results.pop_front();
            if (result < 0) {
                errno = -result;
                return -1;
            }
            count = std::min(count, static_cast<unsigned>(result));
        }
    }
    return static_cast<int>(::syscall(SYS_sendmmsg, fd, messages, count, flags));
}
