// Another program, spoken to in lines.
//
// Threads: any; lines are told on a thread of its own.
// Owner:   what started it. Its end, or terminate(), ends the program.
#pragma once

#include <sys/types.h>

#include <functional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace flare::lab {

class Child {
public:
    // Starts it in the network namespace of the calling thread. `on_line`: each line of its standard output, without
    // the end. Throws std::runtime_error.
    Child(std::vector<std::string> command, std::function<void(std::string_view)> on_line);
    ~Child();
    Child(const Child&) = delete;
    Child& operator=(const Child&) = delete;

    void say(const std::string& line) const;
    pid_t pid() const noexcept { return pid_; }

private:
    void read() const;

    pid_t pid_ = -1;
    int input_ = -1;   // its standard input
    int output_ = -1;  // its standard output
    std::function<void(std::string_view)> on_line_;
    std::thread reader_;
};

// What this process has in memory.
double resident_mib(pid_t pid);

}  // namespace flare::lab
