// The lines that the tables of control frames are made of: one for each field, which knows how the field is encoded,
// decoded, limited and named. A table makes the codec of its frame and the Schema for JSON.
//
// Protocol: docs/wire.md, "Fields".
// Threads:  pure functions.
#pragma once

#include "wire/fields.hpp"
#include "wire/schema.hpp"

#include <array>
#include <functional>
#include <optional>
#include <tuple>
#include <type_traits>

namespace flare::wire {

// Of a frame's body, or of a message in it: kName, as in frame.proto, and kLines, a tuple of the lines below, sorted by
// number.
template <typename T>
struct Table;

template <typename T>
inline constexpr auto kFieldsOf =
    std::apply([](const auto&... line) { return std::array<Field, sizeof...(line)>{line.field...}; }, Table<T>::kLines);

template <typename T>
inline constexpr Schema kSchemaOf{Table<T>::kName, kFieldsOf<T>};

// ---- the codec of a table ----

template <typename T>
std::size_t content_size([[maybe_unused]] const T& value) noexcept {
    return std::apply([&](const auto&... line) { return (std::size_t{0} + ... + line.size(value)); }, Table<T>::kLines);
}

// Writes content_size(value) bytes. Returns the end.
template <typename T>
char* put_content(char* out, [[maybe_unused]] const T& value) noexcept {
    std::apply([&](const auto&... line) { ((out = line.put(out, value)), ...); }, Table<T>::kLines);
    return out;
}

// Precondition: `value` is as its constructor made it. What is absent becomes proto3's default, whatever the
// constructor says. Errors: malformed_frame, invalid_utf8; `value` then holds what came before the fault.
// Hidden: its instances begin with what they return, which the map of libflare-core.so would take for a public name.
template <typename T>
[[gnu::visibility("hidden")]] errc read_content(std::string_view content, [[maybe_unused]] T& value) {
    return std::apply(
        [&](const auto&... line) {
            (line.begin(value), ...);
            Reader reader(content);
            while (reader.next()) {
                const bool read = ((reader.tag() == line.tag() && (line.read(reader, value), true)) || ...);
                const bool wrong_type = !read && ((reader.field() == line.field.number) || ...);
                if (wrong_type) reader.fail();
            }
            (line.finish(reader, value), ...);
            return reader.code();
        },
        Table<T>::kLines);
}

// ---- kinds of lines ----

constexpr std::size_t tagged_size(std::uint32_t tag, std::size_t length) noexcept {
    return varint_size(tag) + varint_size(length) + length;
}

// Numbers, booleans, enums, error codes.
template <typename T, typename Value>
struct NumberLine {
    Field field;
    Value T::*member;
    bool zero_is_default = false;  // zero, like an absent field, leaves what the constructor made
    Value later{};                 // of an enum: what a value of a later version reads as

    constexpr std::uint32_t tag() const noexcept { return number_tag(field.number); }
    std::size_t size(const T& of) const noexcept {
        const auto number = static_cast<std::uint64_t>(of.*member);
        return number == 0 ? 0 : varint_size(tag()) + varint_size(number);
    }
    char* put(char* out, const T& of) const noexcept {
        const auto number = static_cast<std::uint64_t>(of.*member);
        return number == 0 ? out : put_varint(put_varint(out, tag()), number);
    }
    void begin(T& of) const noexcept {
        if (!zero_is_default) of.*member = Value{};
    }
    void read(Reader& reader, T& of) const noexcept {
        if (zero_is_default && reader.number() == 0) return;
        if constexpr (std::is_same_v<Value, errc>) {
            of.*member = to_errc(reader.number());
        } else if constexpr (std::is_enum_v<Value>) {
            of.*member = to_enum(reader.number(), static_cast<Value>(field.enumerators.size() - 1), later);
        } else if constexpr (std::is_same_v<Value, std::uint32_t>) {
            of.*member = reader.small_number();
        } else {
            of.*member = static_cast<Value>(reader.number());
        }
    }
    void finish(Reader& reader, const T& of) const noexcept {
        if (static_cast<std::uint64_t>(of.*member) > field.limit) reader.fail();
    }
};

// Numbers whose bits are random: eight bytes.
template <typename T>
struct FixedLine {
    Field field;
    std::uint64_t T::*member;

    constexpr std::uint32_t tag() const noexcept { return fixed_tag(field.number); }
    std::size_t size(const T& of) const noexcept { return of.*member == 0 ? 0 : varint_size(tag()) + 8; }
    char* put(char* out, const T& of) const noexcept {
        return of.*member == 0 ? out : put_fixed_value(put_varint(out, tag()), of.*member);
    }
    void begin(T& of) const noexcept { of.*member = 0; }
    void read(Reader& reader, T& of) const noexcept { of.*member = reader.fixed(); }
    void finish(Reader&, const T&) const noexcept {}
};

// Texts and bytes. Value: std::string, or std::string_view into what is read.
template <typename T, typename Value>
struct StringLine {
    Field field;
    Value T::*member;
    bool for_people = false;  // cut where it would be too long

    constexpr std::uint32_t tag() const noexcept { return bytes_tag(field.number); }
    std::string_view shown(const T& of) const noexcept { return for_people ? cut_text(of.*member) : of.*member; }
    std::size_t size(const T& of) const noexcept {
        const std::string_view value = shown(of);
        return value.empty() ? 0 : tagged_size(tag(), value.size());
    }
    char* put(char* out, const T& of) const noexcept {
        const std::string_view value = shown(of);
        return value.empty() ? out : put_raw(put_varint(put_varint(out, tag()), value.size()), value);
    }
    void begin(T&) const noexcept {}
    void read(Reader& reader, T& of) const {
        const std::string_view value =
            field.type == FieldType::text ? reader.text(field.limit) : reader.bytes(field.limit);
        if (field.exact != 0 && value.size() != field.exact && (field.required || !value.empty())) reader.fail();
        if (!reader.failed()) of.*member = value;
    }
    void finish(Reader& reader, const T& of) const noexcept {
        if (field.required && (of.*member).empty()) reader.fail();
    }
};

// An id is always written, even nil, unless nil means that there is none.
template <typename T>
struct IdLine {
    Field field;
    Uuid T::*member;
    bool nil_is_none = false;

    constexpr std::uint32_t tag() const noexcept { return bytes_tag(field.number); }
    bool is_left_out(const T& of) const noexcept { return nil_is_none && (of.*member).is_nil(); }
    std::size_t size(const T& of) const noexcept {
        return is_left_out(of) ? 0 : tagged_size(tag(), sizeof(Uuid::bytes));
    }
    char* put(char* out, const T& of) const noexcept {
        if (is_left_out(of)) return out;
        return put_raw(put_varint(put_varint(out, tag()), sizeof(Uuid::bytes)), (of.*member).raw());
    }
    void begin(T&) const noexcept {}
    void read(Reader& reader, T& of) const noexcept { of.*member = reader.uuid(); }
    void finish(Reader&, const T&) const noexcept {}
};

template <typename Part>
std::size_t tagged_content_size(std::uint32_t tag, const Part& part) noexcept {
    return tagged_size(tag, content_size(part));
}
template <typename Part>
char* put_tagged_content(char* out, std::uint32_t tag, const Part& part) noexcept {
    return put_content(put_varint(put_varint(out, tag), content_size(part)), part);
}

// A message that is always written.
template <typename T, typename Part>
struct PartLine {
    Field field;
    Part T::*member;

    constexpr std::uint32_t tag() const noexcept { return bytes_tag(field.number); }
    std::size_t size(const T& of) const noexcept { return tagged_content_size(tag(), of.*member); }
    char* put(char* out, const T& of) const noexcept { return put_tagged_content(out, tag(), of.*member); }
    void begin(T&) const noexcept {}
    void read(Reader& reader, T& of) const {
        of.*member = Part{};  // of several the last counts: they are not merged
        reader.join(read_content(reader.bytes(), of.*member));
    }
    void finish(Reader&, const T&) const noexcept {}
};

// A message that may be absent; to be there may be all that it says.
template <typename T, typename Part>
struct PartLine<T, std::optional<Part>> {
    Field field;
    std::optional<Part> T::*member;

    constexpr std::uint32_t tag() const noexcept { return bytes_tag(field.number); }
    std::size_t size(const T& of) const noexcept { return of.*member ? tagged_content_size(tag(), *(of.*member)) : 0; }
    char* put(char* out, const T& of) const noexcept {
        return of.*member ? put_tagged_content(out, tag(), *(of.*member)) : out;
    }
    void begin(T&) const noexcept {}
    void read(Reader& reader, T& of) const { reader.join(read_content(reader.bytes(), (of.*member).emplace())); }
    void finish(Reader&, const T&) const noexcept {}
};

// Names in a vector of views: none is empty.
template <typename T, typename Value>
struct NamesLine {
    Field field;
    Value T::*member;

    constexpr std::uint32_t tag() const noexcept { return bytes_tag(field.number); }
    std::size_t size(const T& of) const noexcept {
        std::size_t size = 0;
        for (const std::string_view each : of.*member) size += tagged_size(tag(), each.size());
        return size;
    }
    char* put(char* out, const T& of) const noexcept {
        for (const std::string_view each : of.*member)
            out = put_raw(put_varint(put_varint(out, tag()), each.size()), each);
        return out;
    }
    void begin(T&) const noexcept {}
    void read(Reader& reader, T& of) const {
        const std::string_view name = reader.text(kMaxNameBytes);
        if (name.empty() || (of.*member).size() == field.limit) reader.fail();
        if (!reader.failed()) (of.*member).push_back(name);
    }
    void finish(Reader&, const T&) const noexcept {}
};

// Messages in a vector of any kind. Accessor: a member, or std::identity where the list is all that T is.
template <typename Accessor>
struct ListLine {
    Field field;
    Accessor list;

    constexpr std::uint32_t tag() const noexcept { return bytes_tag(field.number); }
    template <typename T>
    std::size_t size(const T& of) const noexcept {
        std::size_t size = 0;
        for (const auto& each : std::invoke(list, of)) size += tagged_content_size(tag(), each);
        return size;
    }
    template <typename T>
    char* put(char* out, const T& of) const noexcept {
        for (const auto& each : std::invoke(list, of)) out = put_tagged_content(out, tag(), each);
        return out;
    }
    template <typename T>
    void begin(T&) const noexcept {}
    template <typename T>
    void read(Reader& reader, T& of) const {
        auto& elements = std::invoke(list, of);
        if (elements.size() == field.limit) {
            reader.fail();
        } else {
            reader.join(read_content(reader.bytes(), elements.emplace_back()));
        }
    }
    template <typename T>
    void finish(Reader&, const T&) const noexcept {}
};

// ---- how tables write them ----

template <typename Value>
constexpr FieldType number_type() noexcept {
    if constexpr (std::is_same_v<Value, bool>) return FieldType::boolean;
    if constexpr (std::is_same_v<Value, std::uint64_t>) return FieldType::uint64;
    if constexpr (std::is_same_v<Value, std::int64_t>) return FieldType::int64;
    static_assert(std::is_same_v<Value, bool> || std::is_same_v<Value, std::uint64_t> ||
                  std::is_same_v<Value, std::int64_t> || std::is_same_v<Value, std::uint32_t> ||
                  std::is_same_v<Value, errc>);
    return FieldType::uint32;
}

template <typename T, typename Value>
constexpr auto number(std::uint32_t field, std::string_view name, Value T::*member, std::uint64_t most = kNoLimit) {
    return NumberLine<T, Value>{{.number = field, .name = name, .type = number_type<Value>(), .limit = most}, member};
}
// 0, or nothing, stands for the default of the C++ member.
template <typename T, typename Value>
constexpr auto number_or_default(std::uint32_t field, std::string_view name, Value T::*member) {
    return NumberLine<T, Value>{{.number = field, .name = name, .type = number_type<Value>()}, member, true};
}
template <typename T>
constexpr auto fixed(std::uint32_t field, std::string_view name, std::uint64_t T::*member) {
    return FixedLine<T>{{.number = field, .name = name, .type = FieldType::fixed64}, member};
}
// An enum. Its values count from 0; one of a later version reads as `later`.
template <typename T, typename Value>
constexpr auto choice(std::uint32_t field, std::string_view name, Value T::*member,
                      std::span<const std::string_view> enumerators, Value later = {}) {
    return NumberLine<T, Value>{
        {.number = field, .name = name, .type = FieldType::enumeration, .enumerators = enumerators},
        member,
        false,
        later};
}
template <typename T, typename Value>
constexpr auto text(std::uint32_t field, std::string_view name, Value T::*member, std::uint64_t most) {
    return StringLine<T, Value>{{.number = field, .name = name, .type = FieldType::text, .limit = most}, member};
}
// A text for people: at most kMaxTextBytes, and cut to that when it is written.
template <typename T, typename Value>
constexpr auto text_for_people(std::uint32_t field, std::string_view name, Value T::*member) {
    return StringLine<T, Value>{
        {.number = field, .name = name, .type = FieldType::text, .limit = kMaxTextBytes}, member, true};
}
template <typename T, typename Value>
constexpr auto bytes(std::uint32_t field, std::string_view name, Value T::*member, std::uint64_t most = kNoLimit) {
    return StringLine<T, Value>{{.number = field, .name = name, .type = FieldType::bytes, .limit = most}, member};
}
// So many bytes, or none.
template <typename T, typename Value>
constexpr auto exact_bytes(std::uint32_t field, std::string_view name, Value T::*member, std::uint64_t size) {
    return StringLine<T, Value>{{.number = field, .name = name, .type = FieldType::bytes, .limit = size, .exact = size},
                                member};
}
template <typename T, typename Value>
constexpr auto required_bytes(std::uint32_t field, std::string_view name, Value T::*member, std::uint64_t size) {
    auto line = exact_bytes(field, name, member, size);
    line.field.required = true;
    return line;
}
template <typename T>
constexpr auto id(std::uint32_t field, std::string_view name, Uuid T::*member) {
    return IdLine<T>{{.number = field, .name = name, .type = FieldType::uuid}, member};
}
template <typename T>
constexpr auto id_or_none(std::uint32_t field, std::string_view name, Uuid T::*member) {
    return IdLine<T>{{.number = field, .name = name, .type = FieldType::uuid}, member, true};
}
// Part: the message. Value: the same, or an optional one.
template <typename Part, typename T, typename Value>
constexpr auto part(std::uint32_t field, std::string_view name, Value T::*member) {
    return PartLine<T, Value>{{.number = field, .name = name, .type = FieldType::message, .part = &kSchemaOf<Part>},
                              member};
}
// At most so many names of users, each at most kMaxNameBytes long.
template <typename T, typename Value>
constexpr auto names(std::uint32_t field, std::string_view name, Value T::*member, std::uint64_t most) {
    return NamesLine<T, Value>{
        {.number = field, .name = name, .type = FieldType::text, .repeated = true, .limit = most}, member};
}
// At most so many elements, for which `accessor` has room.
template <typename Element, typename Accessor>
constexpr auto list(std::uint32_t field, std::string_view name, Accessor accessor, std::uint64_t most = kMaxLanes) {
    return ListLine<Accessor>{{.number = field,
                               .name = name,
                               .type = FieldType::message,
                               .repeated = true,
                               .limit = most,
                               .part = &kSchemaOf<Element>},
                              accessor};
}

}  // namespace flare::wire
