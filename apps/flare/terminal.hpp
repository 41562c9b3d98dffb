// A terminal in raw mode: every key comes at once and nothing is echoed. It is given back as it was in every way out:
// at the end of the object, when the process is stopped or continued (suspend()), and when it dies of a fault.
//
// Threads: one; at most one object at a time.
#pragma once

#include <cstddef>
#include <string_view>

namespace flare::cli {

class RawTerminal {
public:
    RawTerminal();
    ~RawTerminal();
    RawTerminal(const RawTerminal&) = delete;
    RawTerminal& operator=(const RawTerminal&) = delete;

    // Gives the terminal back, stops the process as Ctrl-Z does, and takes the terminal again when it is continued.
    void suspend();
    // At least 2: a terminal that does not tell its width is taken for one of 80.
    static std::size_t columns();
    // All of it; errors are passed over: a terminal that is gone is told by the end of the input.
    static void write(std::string_view bytes);

private:
    static void take();
    static void give_back();
};

}  // namespace flare::cli
