// Answers to calls with an Idempotency-Key, kept so that a call which comes again is answered and not done again.
//
// Protocol: draft-ietf-httpapi-idempotency-key-header-06.
// Threads:  the API's.
// Owner:    Api.
#pragma once

#include "server/api/problem.hpp"
#include "transport/http/request.hpp"

#include <boost/unordered/unordered_flat_map.hpp>

#include <chrono>
#include <cstddef>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

namespace flare::server::api {

class Repeats {
public:
    using Clock = std::chrono::steady_clock;
    static constexpr std::chrono::hours kKept{24};
    static constexpr std::size_t kMost = 100'000;         // answers; the oldest go first, and are in the store
    static constexpr std::size_t kMostBytes = 64u << 20;  // of their bodies, likewise
    static constexpr std::size_t kMostKeyBytes = 255;

    // `key`: what it is a repeat by; `asked`: the same for the same request alone.
    struct Begun {  // it comes for the first time: end() is to be called
        std::uint64_t number = 0;
    };
    using Found = std::variant<Begun, transport::http::Response, Problem>;
    // As a repeat is answered: it says that it is one.
    static transport::http::Response repeated(transport::http::Response response);
    static Problem asked_otherwise();
    Found begin(const std::string& key, std::string_view asked, Clock::time_point now);
    // The answer. Nothing: it may be tried again. `number`: of Begun; the key may be of another call by now.
    void end(const std::string& key, std::uint64_t number, const std::optional<transport::http::Response>& response);
    std::size_t size() const noexcept { return all_.size(); }

private:
    struct Kept {
        std::string asked;
        std::optional<transport::http::Response> response{};  // nothing: it is being done
        Clock::time_point since{};
        std::uint64_t number = 0;
    };
    void make_room(Clock::time_point now);

    boost::unordered_flat_map<std::string, Kept> all_;
    std::deque<std::pair<std::string, std::uint64_t>> order_;  // the oldest first; some have gone
    std::uint64_t numbers_ = 0;
    std::size_t bytes_ = 0;
};

}  // namespace flare::server::api
