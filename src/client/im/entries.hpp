// Entries of a log as a server sends them, made into what applications get; in two steps, because inflating may take
// long, and is not done on the thread that reads.
//
// Protocol: docs/wire.md, "Bodies of requests".
// Threads:  pure functions.
#pragma once

#include "wire/compression.hpp"
#include "wire/requests.hpp"

#include <flare/conversation.hpp>
#include <flare/failure.hpp>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>

namespace flare::client {

// An entry whose payload may be compressed.
struct PackedEntry {
    Entry entry;  // without `change`
    wire::Encoding encoding = wire::Encoding::none;
    std::uint64_t size = 0;  // of the payload, inflated
};

// `whole`: the bytes that the views of `from` point into, of which larger payloads become a part. Empty: all is copied.
PackedEntry packed_of(const wire::im::Entry& from, const Bytes& whole);
// Errors: bad_compression, compression_unavailable (not in `encodings`), message_too_large (above 1 MiB). The text
// names the offset.
Checked<Entry> unpacked(PackedEntry packed, wire::Encodings encodings);

// Among the messages of its log: it is one, and not silent.
bool counts_in_log(const Entry& entry) noexcept;

// What a message of this client says beside its payload: an encoded wire::About.
void read_about(std::string_view bytes, Entry& to);

RoomConfig config_of(const model::Config& from);
std::int64_t unix_ms(std::chrono::system_clock::time_point time);
// 0: none.
std::optional<std::chrono::system_clock::time_point> time_of(std::uint64_t unix_ms);

}  // namespace flare::client
