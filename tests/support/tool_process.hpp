// A command of the flare tool in a process of its own, with what it prints.
#pragma once

#include <gtest/gtest.h>
#include <boost/json.hpp>

#include <chrono>
#include <condition_variable>
#include <csignal>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace flare::test {

class ToolProcess {
public:
    struct Options {
        std::map<std::string, std::string> environment{};  // beside that of the test
        std::string folder = FLARE_SOURCE_DIR;             // where it runs
        std::string output{};  // where its standard output goes, in place of out(): a device or file that is there
        // Its standard input; nothing: that stays open, for type().
        std::optional<std::string> input = std::string();
    };

    explicit ToolProcess(std::vector<std::string> arguments) : ToolProcess(std::move(arguments), Options()) {}
    ToolProcess(std::vector<std::string> arguments, const Options& options) {
        arguments.insert(arguments.begin(), "flare");
        std::vector<char*> pointers;
        for (std::string& each : arguments) pointers.push_back(each.data());
        pointers.push_back(nullptr);
        // Made before fork(): a child of a process with threads may allocate nothing, since another thread may hold the
        // allocator's lock at that moment (POSIX, fork(); the address sanitizer's is never released in the child).
        const std::vector<std::string> variables = environment_of(options);
        std::vector<char*> environment;
        for (const std::string& each : variables) environment.push_back(const_cast<char*>(each.c_str()));
        environment.push_back(nullptr);
        int in[2], out[2], err[2];
        if (::pipe2(in, O_CLOEXEC) != 0 || ::pipe2(out, O_CLOEXEC) != 0 || ::pipe2(err, O_CLOEXEC) != 0)
            throw std::runtime_error("pipe");
        const int elsewhere = options.output.empty() ? -1 : ::open(options.output.c_str(), O_WRONLY | O_CLOEXEC);
        if (!options.output.empty() && elsewhere < 0) throw std::runtime_error(options.output);
        pid_ = ::fork();
        if (pid_ == 0) {
            ::dup2(in[0], 0);
            ::dup2(elsewhere >= 0 ? elsewhere : out[1], 1);
            ::dup2(err[1], 2);
            if (::chdir(options.folder.c_str()) == 0) ::execve(FLARE_TOOL, pointers.data(), environment.data());
            ::_exit(127);
        }
        for (const int fd : {in[0], out[1], err[1]}) ::close(fd);
        if (elsewhere >= 0) ::close(elsewhere);
        in_ = in[1];
        if (options.input) {
            type(*options.input);
            end_input();
        }
        out_reader_ = std::thread([this, fd = out[0]] { collect(fd, out_); });
        err_reader_ = std::thread([this, fd = err[0]] { collect(fd, err_); });
    }
    ~ToolProcess() {
        if (pid_ > 0) {
            ::kill(pid_, SIGKILL);
            ::waitpid(pid_, nullptr, 0);
        }
        end_input();
        out_reader_.join();
        err_reader_.join();
    }
    ToolProcess(const ToolProcess&) = delete;
    ToolProcess& operator=(const ToolProcess&) = delete;

    void type(const std::string& text) const {
        EXPECT_EQ(::write(in_, text.data(), text.size()), static_cast<ssize_t>(text.size()));
    }
    void end_input() {
        if (in_ >= 0) ::close(std::exchange(in_, -1));
    }
    std::string out() { return read(out_); }
    std::string err() { return read(err_); }
    // Until standard output (or standard error) has this; false: it ended without, or a generous time passed.
    bool says(const std::string& text) { return wait_for(out_, text); }
    bool complains(const std::string& text) { return wait_for(err_, text); }
    void signal(int number) { ::kill(pid_, number); }
    // Ends its input and waits. Its exit code; 128 and the signal that ended it; -1: it did not end within a generous
    // time.
    int wait() {
        end_input();
        int status = 0;
        std::unique_lock lock(mutex_);
        if (!changed_.wait_for(lock, std::chrono::seconds(60), [this] { return ended_ == 2; })) return -1;
        lock.unlock();
        if (pid_ <= 0) return -1;
        ::waitpid(pid_, &status, 0);
        pid_ = 0;
        return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    }

private:
    // NAME=VALUE of each: that of the test, without what would change a command, and what the options say.
    static std::vector<std::string> environment_of(const Options& options) {
        std::map<std::string, std::string> all;
        for (char** each = environ; *each != nullptr; ++each) {
            const std::string variable(*each);
            all[variable.substr(0, variable.find('='))] = variable;
        }
        for (const char* name : {"FLARE_TOKEN", "FLARE_USER", "FLARE_CA_FILE", "FLARE_API", "FLARE_API_KEY"})
            all.erase(name);
        std::map<std::string, std::string> set = options.environment;
        set.insert({{"USER", "tester"}, {"TZ", "UTC"}});
        for (const auto& [name, value] : set) all[name] = name + "=" + value;
        std::vector<std::string> variables;
        for (auto& [name, variable] : all) variables.push_back(std::move(variable));
        return variables;
    }
    void collect(int fd, std::string& text) {
        char block[4096];
        for (ssize_t got = 0; (got = ::read(fd, block, sizeof block)) > 0;) {
            const std::lock_guard lock(mutex_);
            text.append(block, static_cast<std::size_t>(got));
            changed_.notify_all();
        }
        ::close(fd);
        const std::lock_guard lock(mutex_);
        ++ended_;
        changed_.notify_all();
    }
    std::string read(const std::string& text) {
        const std::lock_guard lock(mutex_);
        return text;
    }
    bool wait_for(const std::string& where, const std::string& text) {
        std::unique_lock lock(mutex_);
        const auto there = [&] { return where.find(text) != where.npos; };
        changed_.wait_for(lock, std::chrono::seconds(60), [&] { return there() || ended_ == 2; });
        return there();
    }

    pid_t pid_ = 0;
    int in_ = -1;
    std::mutex mutex_;
    std::condition_variable changed_;
    std::string out_, err_;
    int ended_ = 0;  // of the two streams
    std::thread out_reader_, err_reader_;
};

// A command that ends by itself.
struct Ran {
    int code;
    std::string out;
    std::string err;
};
inline Ran run_tool(std::vector<std::string> arguments, const ToolProcess::Options& options = {}) {
    ToolProcess process(std::move(arguments), options);
    const int code = process.wait();
    return {code, process.out(), process.err()};
}

// The last line of an output, which is one JSON object.
inline boost::json::object result_of(const std::string& output) {
    const std::size_t end = output.empty() ? 0 : output.size() - 1;
    const std::size_t begin = output.rfind('\n', end == 0 ? 0 : end - 1);
    boost::system::error_code error;
    const auto value = boost::json::parse(output.substr(begin == output.npos ? 0 : begin + 1), error);
    EXPECT_FALSE(error) << output;
    return error ? boost::json::object() : value.as_object();
}

}  // namespace flare::test
