// Polls files for changes, and reports a change once the files are stable, because certificate and key are written one
// after the other.
//
// Threads: one of its own, on which `changed` is called.
// Owner:   Server::Impl.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace flare::server {

class CertificateWatch {
public:
    // `seen`: what look() said before the files were read for the last time, so that no change falls in between.
    CertificateWatch(std::vector<std::string> files, std::string seen, std::chrono::milliseconds interval,
                     std::function<void()> changed);
    ~CertificateWatch();
    CertificateWatch(const CertificateWatch&) = delete;
    CertificateWatch& operator=(const CertificateWatch&) = delete;

    // Says something else when one of them has changed.
    static std::string look(const std::vector<std::string>& files);

private:
    void run();

    const std::vector<std::string> files_;
    std::string seen_;
    const std::chrono::milliseconds interval_;
    const std::function<void()> changed_;
    std::mutex mutex_;
    std::condition_variable wake_;
    bool stopping_ = false;
    std::thread thread_;
};

}  // namespace flare::server
