// A client's flight recorder: records each decision about connections with its time, so that people can find out later
// why a session used its connection.
//
// Nothing is recorded of a message but how far each subscription has come. Lines are kept in a ring in memory, and in a
// file when the application names a folder; a file that cannot be written is told once.
// Protocol: docs/explain.md, "Records".
// Threads:  its client's I/O thread; text() any.
// Owner:    ClientLoop.
#pragma once

#include "flight/journal.hpp"
#include "flight/line.hpp"
#include "flight/ring.hpp"

#include <flare/message.hpp>

#include <chrono>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>

namespace flare::client {

struct Config;
struct Url;

class Recorder {
public:
    // `trouble`: told once, when the file cannot be written.
    Recorder(const Config& config, std::function<void(const Failure&)> trouble);

    // A line of this moment, to be filled in and added.
    flight::Line line(std::string_view event) const;
    void add(const flight::Line& line, flight::Ring::Of of = flight::Ring::Of::connections);
    // For what may happen again and again: of the same `verdict` in a row only the 1st, 2nd, 4th, 8th ... is worth a
    // line. Its number, or 0.
    std::uint32_t worth_a_line(const std::string& of, const std::string& verdict);
    // A session stands: the file is its file from now on, and begins with all that is remembered.
    void session(const std::string& id);
    // The connect has failed: a file is made of it, unless there is one already.
    void no_session();

    std::string text() const;

private:
    void judge(const Checked<>& written);

    const std::chrono::steady_clock::time_point began_ = std::chrono::steady_clock::now();
    const std::function<void(const Failure&)> trouble_;
    std::optional<flight::Journal> journal_;  // none: in memory only
    std::string session_;
    mutable std::mutex mutex_;  // ring_
    flight::Ring ring_;
    struct Repeated {
        std::string verdict;
        std::uint32_t times = 0;
    };
    std::map<std::string, Repeated> repeated_;
};

// How a record names a protocol: "quic", "websocket".
std::string_view record_name(Protocol protocol) noexcept;
// Of an address: without path and query, which may hold what is nobody's business.
std::string address_of(const Url& url);

}  // namespace flare::client
