// No file of this process may grow beyond some bytes, as if its disk were full, while the object lives.
#pragma once

#include <csignal>
#include <cstdint>

#include <sys/resource.h>

namespace flare::test {

class NoRoomBeyond {
public:
    explicit NoRoomBeyond(std::uintmax_t bytes) {
        ::getrlimit(RLIMIT_FSIZE, &before_);
        handler_ = ::signal(SIGXFSZ, SIG_IGN);
        rlimit limit = before_;
        limit.rlim_cur = bytes;
        ::setrlimit(RLIMIT_FSIZE, &limit);
    }
    ~NoRoomBeyond() {
        ::setrlimit(RLIMIT_FSIZE, &before_);
        ::signal(SIGXFSZ, handler_);
    }
    NoRoomBeyond(const NoRoomBeyond&) = delete;
    NoRoomBeyond& operator=(const NoRoomBeyond&) = delete;

private:
    rlimit before_{};
    void (*handler_)(int) = nullptr;
};

}  // namespace flare::test
