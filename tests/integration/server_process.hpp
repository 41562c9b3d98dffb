// A server in a process of its own, which can be killed.
#pragma once

#include <csignal>
#include <string>
#include <utility>
#include <vector>

#include <sys/wait.h>
#include <unistd.h>

namespace flare::test {

class ServerProcess {
public:
    // Its standard output and standard error; -1: those of this process.
    struct Streams {
        int out = -1;
        int err = -1;
    };

    // Runs in the project's folder, where certs/ is.
    explicit ServerProcess(std::vector<std::string> options) : ServerProcess(std::move(options), Streams()) {}
    ServerProcess(std::vector<std::string> options, Streams streams) {
        options.insert(options.begin(), {"server_example", "--workers", "2", "--quiet"});
        std::vector<char*> arguments;
        for (std::string& option : options) arguments.push_back(option.data());
        arguments.push_back(nullptr);
        pid_ = ::fork();
        if (pid_ == 0) {
            if (streams.out >= 0) ::dup2(streams.out, STDOUT_FILENO);
            if (streams.err >= 0) ::dup2(streams.err, STDERR_FILENO);
            if (::chdir(FLARE_SOURCE_DIR) == 0) ::execv(FLARE_SERVER_EXAMPLE, arguments.data());
            ::_exit(127);
        }
    }
    ~ServerProcess() { kill(); }
    void kill() { end(SIGKILL); }
    // As an operator stops it. Its exit code, or 128 and the signal that ended it.
    int stop() { return end(SIGTERM); }

private:
    int end(int signal) {
        if (pid_ <= 0) return -1;
        int status = 0;
        ::kill(pid_, signal);
        ::waitpid(pid_, &status, 0);
        pid_ = 0;
        return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    }

    pid_t pid_ = 0;
};

}  // namespace flare::test
