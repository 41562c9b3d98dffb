#include "terminal.hpp"

#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>

namespace flare::cli {
namespace {

// Bracketed paste: what is pasted is told apart from what is typed.
constexpr std::string_view kBegin = "\x1b[?2004h";
constexpr std::string_view kEnd = "\x1b[?2004l";
constexpr int kFaults[] = {SIGSEGV, SIGABRT, SIGBUS, SIGFPE, SIGILL};

termios as_found;             // of its settings
volatile sig_atomic_t taken;  // it is not as it was

// Only what may be called when everything is broken: signal-safety(7).
void on_fault(int signal) {
    if (taken != 0) {
        [[maybe_unused]] const auto written = ::write(STDOUT_FILENO, kEnd.data(), kEnd.size());
        ::tcsetattr(STDIN_FILENO, TCSANOW, &as_found);
    }
    ::signal(signal, SIG_DFL);
    ::raise(signal);
}

}  // namespace

RawTerminal::RawTerminal() {
    for (const int each : kFaults) ::signal(each, on_fault);
    take();
}

RawTerminal::~RawTerminal() {
    give_back();
    for (const int each : kFaults) ::signal(each, SIG_DFL);
}

void RawTerminal::take() {
    if (::tcgetattr(STDIN_FILENO, &as_found) != 0) return;
    termios raw = as_found;
    raw.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO | ISIG | IEXTEN);
    raw.c_iflag &= ~static_cast<tcflag_t>(ICRNL | IXON);
    raw.c_cc[VMIN] = 1;
    raw.c_cc[VTIME] = 0;
    taken = 1;
    ::tcsetattr(STDIN_FILENO, TCSADRAIN, &raw);
    write(kBegin);
}

void RawTerminal::give_back() {
    if (taken == 0) return;
    write(kEnd);
    ::tcsetattr(STDIN_FILENO, TCSADRAIN, &as_found);
    taken = 0;
}

void RawTerminal::suspend() {
    give_back();
    ::kill(::getpid(), SIGSTOP);
    take();
}

std::size_t RawTerminal::columns() {
    winsize size{};
    if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return 80;
    return size.ws_col < 2 ? 2 : size.ws_col;
}

void RawTerminal::write(std::string_view bytes) {
    while (!bytes.empty()) {
        const auto written = ::write(STDOUT_FILENO, bytes.data(), bytes.size());
        if (written > 0) {
            bytes.remove_prefix(static_cast<std::size_t>(written));
        } else if (errno != EINTR) {
            return;
        }
    }
}

}  // namespace flare::cli
