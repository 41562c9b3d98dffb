// flare server before readers that stall or go: of its standard output, its log, its service manager.
#include "support/folder.hpp"
#include "support/log_pipe.hpp"
#include "support/tool_process.hpp"

#include <flare/client.hpp>

#include <gtest/gtest.h>

#include <sys/socket.h>
#include <sys/un.h>

namespace flare::test {
namespace {

class UnreadServer : public ::testing::Test {
protected:
    ~UnreadServer() override {
        if (pid_ > 0) {
            ::kill(pid_, SIGKILL);
            ::waitpid(pid_, nullptr, 0);
        }
    }
    void start(const std::string& notify_socket = {}) {
        // Here, and not in the child, which may allocate nothing: this process has threads.
        if (!notify_socket.empty()) ::setenv("NOTIFY_SOCKET", notify_socket.c_str(), 1);
        pid_ = ::fork();
        if (pid_ == 0) {
            ::dup2(out_.writer(), STDOUT_FILENO);
            ::dup2(err_.writer(), STDERR_FILENO);
            ::execl(FLARE_TOOL, "flare", "server", "--config", "/dev/null", "--quic-enabled=false",
                    "--websocket-address", "127.0.0.1:0", "--worker-threads", "1", "--show-users", "--log-level",
                    "debug", "--store", "none", nullptr);
            ::_exit(127);
        }
        ::unsetenv("NOTIFY_SOCKET");
        const std::string begin = "listening on ";
        ASSERT_TRUE(out_.says(begin) && out_.says("\n"));
        const std::size_t at = out_.text().find(begin) + begin.size();
        url_ = out_.text().substr(at, out_.text().find('\n', at) - at);
    }
    void expect_to_serve(int users) {
        for (int i = 0; i < users; ++i) {
            auto client = ClientBuilder("user" + std::to_string(i))
                              .server_addresses(ServerAddresses().with_websocket_url(url_))
                              .auto_reconnect(false)
                              .build();
            ASSERT_TRUE(client->connect());
            ASSERT_TRUE(client->send_text_message("server", "hello").success);
        }
    }
    int stop() {
        ::kill(pid_, SIGTERM);
        int status = 0;
        ::waitpid(std::exchange(pid_, 0), &status, 0);
        return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    }

    LogPipe out_;
    LogPipe err_;
    pid_t pid_ = 0;
    std::string url_;
};

TEST_F(UnreadServer, OutlivesWhoeverReadIt) {
    start();
    out_.close_reader();
    err_.close_reader();
    expect_to_serve(5);
    EXPECT_EQ(stop(), 0);
}

TEST_F(UnreadServer, ServesAndEndsWhereNobodyReadsOn) {
    start();
    out_.fill();
    err_.fill();
    expect_to_serve(20);
    EXPECT_EQ(stop(), 0);
}

TEST_F(UnreadServer, EndsThoughItsServiceManagerDoesNotRead) {
    const Folder folder;
    const std::string path = folder.path("notify");
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    const int manager = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    ASSERT_EQ(::bind(manager, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    const int other = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    while (::sendto(other, "x", 1, MSG_DONTWAIT, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 1) {
    }
    start(path);
    expect_to_serve(1);
    EXPECT_EQ(stop(), 0);
    ::close(other);
    ::close(manager);
}

}  // namespace
}  // namespace flare::test
