// proto/flare/v1/frame.proto as a table: what the JSON mapping needs to know of each field. A test compares it with
// the code that protoc makes from the schema.
//
// Protocol: docs/wire.md, "JSON".
// Threads:  constants.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace flare::wire {

enum class FieldType : std::uint8_t { uint32, uint64, int64, boolean, enumeration, text, bytes, uuid, message };

struct Schema;

struct Field {
    std::uint32_t number = 0;
    std::string_view name;      // in JSON: lowerCamelCase
    std::string_view original;  // as in frame.proto; taken too
    FieldType type = FieldType::uint64;
    bool repeated = false;
    std::uint64_t limit = ~0ull;                         // largest number; most bytes; most elements of a list
    std::uint64_t exact = 0;                             // bytes: this many and no other, and the field is required
    const Schema* part = nullptr;                        // of a message
    std::span<const std::string_view> enumerators = {};  // their numbers count from 0
};

struct Schema {
    std::string_view name;
    std::span<const Field> fields;  // sorted by number

    const Field* find(std::uint32_t number) const noexcept;
    const Field* find(std::string_view name) const noexcept;  // either name
};

extern const Schema kFrameSchema;
extern const Schema kHelloSchema;
extern const Schema kMessageSchema;

inline constexpr std::uint32_t kFirstBodyField = 10;  // of Frame's oneof
// Of Message, which the JSON mapping treats by itself.
inline constexpr std::uint32_t kPayloadField = 3;
inline constexpr std::uint32_t kTextField = 6;

}  // namespace flare::wire
