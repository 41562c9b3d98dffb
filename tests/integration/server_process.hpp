// A server in a process of its own, which can be killed.
#pragma once

#include <csignal>
#include <string>
#include <vector>

#include <sys/wait.h>
#include <unistd.h>

namespace flare::test {

class ServerProcess {
public:
    // Runs in the project's folder, where certs/ is.
    explicit ServerProcess(std::vector<std::string> options) {
        options.insert(options.begin(), {"server_example", "--workers", "2", "--quiet"});
        std::vector<char*> arguments;
        for (std::string& option : options) arguments.push_back(option.data());
        arguments.push_back(nullptr);
        pid_ = ::fork();
        if (pid_ == 0) {
            if (::chdir(FLARE_SOURCE_DIR) == 0) ::execv(FLARE_SERVER_EXAMPLE, arguments.data());
            ::_exit(127);
        }
    }
    ~ServerProcess() { kill(); }
    void kill() {
        if (pid_ <= 0) return;
        ::kill(pid_, SIGKILL);
        ::waitpid(pid_, nullptr, 0);
        pid_ = 0;
    }

private:
    pid_t pid_ = 0;
};

}  // namespace flare::test
