// What the JSON mapping, the control frames and the tests need to know of each field of proto/flare/v1/frame.proto. A
// test compares it with the code that protoc makes from the schema.
//
// Protocol: docs/wire.md, "JSON".
// Threads:  constants.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace flare::wire {

enum class FieldType : std::uint8_t {
    uint32,
    uint64,
    int64,
    fixed64,
    boolean,
    enumeration,
    text,
    bytes,
    uuid,
    message
};

// A field's names: the one of frame.proto, and the one in JSON that is made of it: max_seq becomes maxSeq.
class FieldName {
public:
    constexpr FieldName() = default;
    // At most 31 bytes: a longer one does not compile.
    constexpr FieldName(std::string_view original) : original_(original) {
        for (std::size_t i = 0; i < original.size(); ++i) {
            const bool capital = original[i] == '_';
            if (capital) ++i;
            json_[size_++] = static_cast<char>(capital ? original[i] - 'a' + 'A' : original[i]);
        }
    }
    constexpr std::string_view original() const noexcept { return original_; }
    constexpr std::string_view json() const noexcept { return {json_, size_}; }

private:
    std::string_view original_;
    char json_[31] = {};
    std::uint8_t size_ = 0;
};

struct Schema;

inline constexpr std::uint64_t kNoLimit = ~0ull;

struct Field {
    std::uint32_t number = 0;
    FieldName name;
    FieldType type = FieldType::uint64;
    bool repeated = false;
    std::uint64_t limit = kNoLimit;                      // largest number; most bytes; most elements of a list
    std::uint64_t exact = 0;                             // bytes: this many and no other, or none
    bool required = false;                               // bytes: never none
    bool says_something = false;                         // bytes: written even if there are none, as a body is
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
extern const Schema kMessageSchema;

inline constexpr std::uint32_t kFirstBodyField = 10;  // of Frame's oneof
// Of Message, which the JSON mapping treats by itself.
inline constexpr std::uint32_t kPayloadField = 3;
inline constexpr std::uint32_t kTextField = 6;

}  // namespace flare::wire
