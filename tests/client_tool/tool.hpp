// The real `flare` binary, run as a person runs it.
#pragma once

#include <gtest/gtest.h>
#include <boost/json.hpp>

#include <array>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <map>
#include <string>
#include <vector>

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

namespace flare::test {

// A running `flare ARGUMENTS`; killed with the object if it still runs.
class Tool {
public:
    // `hosts`: a file that takes the place of /etc/hosts for it (needs root); empty: the machine's own.
    explicit Tool(std::vector<std::string> arguments, std::map<std::string, std::string> environment = {},
                  const std::string& hosts = {}) {
        int in[2];
        int out[2];
        int err[2];
        EXPECT_EQ(::pipe2(in, O_CLOEXEC) | ::pipe2(out, O_CLOEXEC) | ::pipe2(err, O_CLOEXEC), 0);
        arguments.insert(arguments.begin(), "flare");
        std::vector<char*> words;
        for (std::string& each : arguments) words.push_back(each.data());
        words.push_back(nullptr);
        pid_ = ::fork();
        if (pid_ == 0) {
            ::dup2(in[0], STDIN_FILENO);
            ::dup2(out[1], STDOUT_FILENO);
            ::dup2(err[1], STDERR_FILENO);
            for (const char* name : {"FLARE_TOKEN", "FLARE_USER", "FLARE_CA_FILE"}) ::unsetenv(name);
            ::setenv("USER", "tester", 1);
            ::setenv("TZ", "UTC", 1);
            for (const auto& [name, value] : environment) ::setenv(name.c_str(), value.c_str(), 1);
            if (!hosts.empty() &&
                (::unshare(CLONE_NEWNS) != 0 || ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
                 ::mount(hosts.c_str(), "/etc/hosts", nullptr, MS_BIND, nullptr) != 0))
                ::_exit(126);
            ::execv(FLARE_TOOL, words.data());
            ::_exit(127);
        }
        for (const int fd : {in[0], out[1], err[1]}) ::close(fd);
        in_ = in[1];
        out_ = out[0];
        err_ = err[0];
    }
    ~Tool() {
        if (pid_ > 0) ::kill(pid_, SIGKILL);
        finish();
    }
    Tool(const Tool&) = delete;
    Tool& operator=(const Tool&) = delete;

    void type(const std::string& text) const {
        EXPECT_EQ(::write(in_, text.data(), text.size()), static_cast<ssize_t>(text.size()));
    }
    void end_input() {
        if (in_ >= 0) ::close(in_);
        in_ = -1;
    }
    void signal(int number) const { ::kill(pid_, number); }
    // Reads until `text` has come on standard output or standard error; false: it ended, or 30 s are over.
    bool says(const std::string& text) {
        while (output.find(text) == std::string::npos && problems.find(text) == std::string::npos) {
            if (!read_some()) return false;
        }
        return true;
    }
    // Until it has ended by itself. Returns its exit code.
    int finish() {
        end_input();
        while (read_some()) {
        }
        if (pid_ <= 0) return code_;
        int status = 0;
        ::waitpid(pid_, &status, 0);
        pid_ = 0;
        for (const int fd : {out_, err_}) ::close(fd);
        return code_ = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    }

    std::string output;
    std::string problems;  // standard error

private:
    bool read_some() {
        if (pid_ <= 0) return false;
        pollfd fds[] = {{out_open_ ? out_ : -1, POLLIN, 0}, {err_open_ ? err_ : -1, POLLIN, 0}};
        if (!(out_open_ || err_open_) || ::poll(fds, 2, 30'000) <= 0) return false;
        take(fds[0], out_open_, output);
        take(fds[1], err_open_, problems);
        return true;
    }
    static void take(const pollfd& ready, bool& open, std::string& text) {
        if (ready.revents == 0) return;
        std::array<char, 4096> block;
        const auto got = ::read(ready.fd, block.data(), block.size());
        open = got > 0;
        if (open) text.append(block.data(), static_cast<std::size_t>(got));
    }

    pid_t pid_ = 0;
    int in_ = -1;
    int out_ = -1;
    int err_ = -1;
    bool out_open_ = true;
    bool err_open_ = true;
    int code_ = -1;
};

// The last line of its output, which is one JSON object.
inline boost::json::object result_of(const std::string& output) {
    const std::size_t end = output.empty() ? 0 : output.size() - 1;
    const std::size_t begin = output.rfind('\n', end == 0 ? 0 : end - 1);
    boost::system::error_code error;
    const auto value = boost::json::parse(output.substr(begin == output.npos ? 0 : begin + 1), error);
    EXPECT_FALSE(error) << output;
    return error ? boost::json::object() : value.as_object();
}

}  // namespace flare::test
