#include "server/certificate_watch.hpp"

#include <sys/stat.h>

#include <utility>

namespace flare::server {

CertificateWatch::CertificateWatch(std::vector<std::string> files, std::string seen, std::chrono::milliseconds interval,
                                   std::function<void()> changed)
    : files_(std::move(files)),
      seen_(std::move(seen)),
      interval_(interval),
      changed_(std::move(changed)),
      thread_([this] { run(); }) {}

CertificateWatch::~CertificateWatch() {
    {
        const std::lock_guard lock(mutex_);
        stopping_ = true;
    }
    wake_.notify_all();
    thread_.join();
}

void CertificateWatch::run() {
    std::string last = seen_;
    std::unique_lock lock(mutex_);
    while (!wake_.wait_for(lock, interval_, [this] { return stopping_; })) {
        const std::string now = look(files_);
        if (now != seen_ && now == last) {
            seen_ = now;
            changed_();
        }
        last = now;
    }
}

// A file that is replaced has another inode, one that is written to another time.
std::string CertificateWatch::look(const std::vector<std::string>& files) {
    std::string seen;
    for (const std::string& file : files) {
        struct stat info {};
        if (::stat(file.c_str(), &info) == 0) {
            seen += std::to_string(info.st_ino) + ' ' + std::to_string(info.st_size) + ' ' +
                    std::to_string(info.st_mtim.tv_sec) + ' ' + std::to_string(info.st_mtim.tv_nsec);
        }
        seen += '\n';
    }
    return seen;
}

}  // namespace flare::server
