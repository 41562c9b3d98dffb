// What changes on disk is noticed, whenever it does.
#include "server/certificate_watch.hpp"

#include "support/folder.hpp"

#include <gtest/gtest.h>

#include <condition_variable>
#include <fstream>

namespace flare::server {
namespace {

using namespace std::chrono_literals;

struct Told {
    void operator()() {
        const std::lock_guard lock(mutex);
        ++times;
        changed.notify_all();
    }
    bool wait(int count) {
        std::unique_lock lock(mutex);
        return changed.wait_for(lock, 30s, [&] { return times >= count; });
    }
    std::mutex mutex;
    std::condition_variable changed;
    int times = 0;
};

void put(const std::string& file, const std::string& content) { std::ofstream(file) << content; }

TEST(CertificateWatch, NoticesAFileThatChangedBeforeItBegan) {
    const flare::test::Folder folder;
    const std::string file = folder.path("server.crt");
    put(file, "one");
    const std::string seen = CertificateWatch::look({file});
    put(file, "another");  // after the server has read it, before the watch has looked for the first time
    Told told;
    const CertificateWatch watch({file}, seen, 5ms, std::ref(told));
    EXPECT_TRUE(told.wait(1));
}

TEST(CertificateWatch, NoticesFilesThatAreReplacedRemovedAndThereAgain) {
    const flare::test::Folder folder;
    const std::string file = folder.path("server.crt");
    put(file, "one");
    Told told;
    const CertificateWatch watch({file}, CertificateWatch::look({file}), 5ms, std::ref(told));
    put(folder.path("next"), "two");
    std::filesystem::rename(folder.path("next"), file);
    ASSERT_TRUE(told.wait(1));
    std::filesystem::remove(file);
    ASSERT_TRUE(told.wait(2));
    put(file, "three");
    ASSERT_TRUE(told.wait(3));
}

}  // namespace
}  // namespace flare::server
