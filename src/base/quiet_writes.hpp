// While it lives, a write of this thread fails with an error code and raises no signal: SIGPIPE (nobody reads), SIGXFSZ
// (the process's limit of file sizes), either of which ends a process that is not prepared for it. What the process
// does with these signals stays as it is; one that was pending before is left to its owner.
//
// Threads: the one that made it.
#pragma once

#include <signal.h>

#include <cerrno>
#include <ctime>

namespace flare::base {

class QuietWrites {
public:
    QuietWrites() noexcept {
        sigset_t both;
        sigemptyset(&both);
        for (const int each : kRaised) sigaddset(&both, each);
        pthread_sigmask(SIG_BLOCK, &both, &mask_);
        sigpending(&before_);
    }
    ~QuietWrites() {
        const int kept = errno;
        sigset_t now;
        sigpending(&now);
        for (const int each : kRaised) {
            if (sigismember(&now, each) != 1 || sigismember(&before_, each) == 1) continue;
            sigset_t one;
            sigemptyset(&one);
            sigaddset(&one, each);
            const timespec at_once{};
            while (sigtimedwait(&one, nullptr, &at_once) < 0 && errno == EINTR) {
            }
        }
        pthread_sigmask(SIG_SETMASK, &mask_, nullptr);
        errno = kept;
    }
    QuietWrites(const QuietWrites&) = delete;
    QuietWrites& operator=(const QuietWrites&) = delete;

private:
    static constexpr int kRaised[] = {SIGPIPE, SIGXFSZ};
    sigset_t mask_;
    sigset_t before_;
};

}  // namespace flare::base
