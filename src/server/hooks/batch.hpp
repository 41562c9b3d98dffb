// Events of the log as the body of one request.
//
// Protocol: docs/hooks.md, "What is sent".
// Threads:  one of the store's.
#pragma once

#include "server/hooks/event_names.hpp"
#include "store/backend_reader.hpp"

#include <boost/json/object.hpp>

#include <cstdint>
#include <string>
#include <string_view>

namespace flare::server::hooks {

inline constexpr std::uint32_t kMostEvents = 100;         // of a request
inline constexpr std::uint32_t kMostBytes = 1024 * 1024;  // of texts in it

struct Batch {
    std::string id{};    // "orders-7f3a…-17-42"
    std::string body{};  // empty: there is nothing that the hook wants
    std::uint64_t first = 0;
    std::uint64_t last = 0;  // place of the last entry that was looked at
    std::size_t events = 0;
    std::uint64_t oldest_ms = 0;  // Unix time of the first one
    bool more = false;            // behind it
    std::uint64_t newest = 0;     // as in LogPart
    std::uint64_t removed = 0;
};

// What `hook` wants of the log behind `after`. generation: of the store. Errors: the reader's.
Result<Batch> read_batch(store::Reader& reader, std::string_view hook, const EventSet& wanted, std::uint64_t after,
                         std::uint64_t generation);

// One event: its id, which stays the same however often it is sent, its type and when it was.
boost::json::object event_of(Event event, std::string_view id, std::uint64_t unix_ms, boost::json::object data);
std::string body_of(std::string_view hook, boost::json::array events);

}  // namespace flare::server::hooks
