// JSON -> binary batch, driven by the table of the schema. Errors name the path of the field.
#include "base/json/member.hpp"
#include "base/random.hpp"
#include "base/utf8.hpp"
#include "wire/base64.hpp"
#include "wire/control_tables.hpp"
#include "wire/frame.hpp"
#include "wire/json.hpp"
#include "wire/schema.hpp"
#include "wire/writer.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parser.hpp>
#include <boost/json/value.hpp>

#include <protozero/pbf_writer.hpp>

#include <charconv>
#include <cmath>
#include <optional>

namespace flare::wire {
namespace {

namespace json = boost::json;
using protozero::pbf_writer;

// Where the reader is, and the first thing that went wrong.
class Path {
public:
    // Steps into a member or an element for as long as it lives.
    class Step {
    public:
        Step(Path& path, std::string_view name) : path_(path), before_(path.text_.size()) {
            if (before_ != 0) path.text_ += '.';
            path.text_ += name;
        }
        Step(Path& path, std::size_t index) : path_(path), before_(path.text_.size()) {
            path.text_ += '[' + std::to_string(index) + ']';
        }
        Step(const Step&) = delete;
        Step& operator=(const Step&) = delete;
        ~Step() { path_.text_.resize(before_); }

    private:
        Path& path_;
        std::size_t before_;
    };

    bool fail(std::string_view what, errc code = errc::malformed_json) {
        code_ = code;
        error_ = text_.empty() ? std::string(what) : text_ + ": " + std::string(what);
        return false;
    }
    errc code() const noexcept { return code_; }
    const std::string& error() const noexcept { return error_; }

private:
    std::string text_;
    std::string error_;
    errc code_ = errc::ok;
};

// ---- single values ----

template <typename Integer>
std::optional<Integer> parse_integer(std::string_view text) {
    Integer value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return value;
}

// The mapping takes numbers, whole floating-point numbers and decimal strings.
std::optional<std::uint64_t> to_unsigned(const json::value& value) {
    if (value.is_uint64()) return value.get_uint64();
    if (value.is_int64() && value.get_int64() >= 0) return static_cast<std::uint64_t>(value.get_int64());
    if (value.is_string()) return parse_integer<std::uint64_t>(value.get_string());
    if (value.is_double()) {
        const double number = value.get_double();
        if (number >= 0 && number < 0x1p64 && number == std::floor(number)) return static_cast<std::uint64_t>(number);
    }
    return std::nullopt;
}

std::optional<std::int64_t> to_signed(const json::value& value) {
    if (value.is_int64()) return value.get_int64();
    if (value.is_string()) return parse_integer<std::int64_t>(value.get_string());
    if (value.is_double()) {
        const double number = value.get_double();
        if (number >= -0x1p63 && number < 0x1p63 && number == std::floor(number))
            return static_cast<std::int64_t>(number);
    }
    return std::nullopt;
}

bool put_integer(pbf_writer& out, const Field& field, const json::value& value, Path& path) {
    if (field.type == FieldType::boolean) {
        if (!value.is_bool()) return path.fail("expected true or false");
        if (value.get_bool()) out.add_bool(field.number, true);
        return true;
    }
    if (field.type == FieldType::int64) {
        const auto number = to_signed(value);
        if (!number) return path.fail("expected a whole number");
        if (*number != 0) out.add_int64(field.number, *number);
        return true;
    }
    const auto number = to_unsigned(value);
    const std::uint64_t limit =
        field.type == FieldType::uint32 ? std::min<std::uint64_t>(field.limit, 0xffffffffu) : field.limit;
    if (!number || *number > limit) return path.fail("expected a whole number from 0 to " + std::to_string(limit));
    if (*number == 0) return true;
    if (field.type == FieldType::fixed64) {
        out.add_fixed64(field.number, *number);
    } else {
        out.add_uint64(field.number, *number);
    }
    return true;
}

bool put_enum(pbf_writer& out, const Field& field, const json::value& value, Path& path) {
    std::optional<std::uint64_t> number;
    if (value.is_string()) {
        for (std::uint64_t i = 0; i < field.enumerators.size(); ++i) {
            if (field.enumerators[static_cast<std::size_t>(i)] == value.get_string()) number = i;
        }
    } else {
        number = to_unsigned(value);
    }
    if (!number || *number > 0x7fffffff)
        return path.fail("expected a name like " + std::string(field.enumerators.back()));
    if (*number != 0) out.add_uint64(field.number, *number);
    return true;
}

void put_bytes(pbf_writer& out, std::uint32_t field, std::string_view bytes) {
    if (!bytes.empty()) out.add_bytes(field, bytes.data(), bytes.size());
}

bool put_text(pbf_writer& out, const Field& field, const json::value& value, Path& path) {
    if (!value.is_string()) return path.fail("expected a string");
    const std::string_view text = value.get_string();
    if (text.size() > field.limit) return path.fail("longer than " + std::to_string(field.limit) + " bytes");
    put_bytes(out, field.number, text);
    return true;
}

bool put_blob(pbf_writer& out, const Field& field, const json::value& value, Path& path) {
    auto bytes = value.is_string() ? from_base64(value.get_string()) : std::nullopt;
    const bool none = bytes && bytes->empty() && !field.required;
    if (field.exact != 0 && !none && (!bytes || bytes->size() != field.exact)) {
        return path.fail("expected " + std::to_string(field.exact) + " bytes in base64");
    }
    if (!bytes) return path.fail("expected bytes in base64");
    if (bytes->size() > field.limit) return path.fail("longer than " + std::to_string(field.limit) + " bytes");
    if (field.says_something || !bytes->empty()) out.add_bytes(field.number, *bytes);
    return true;
}

bool put_uuid(pbf_writer& out, const Field& field, const json::value& value, Path& path) {
    const std::string_view text = value.is_string() ? std::string_view(value.get_string()) : std::string_view("?");
    if (text.empty()) return true;
    auto id = Uuid::parse(text);
    if (!id) id = Uuid::from_bytes(from_base64(text).value_or(""));
    if (!id) return path.fail("expected 16 bytes in base64, or a UUID");
    put_bytes(out, field.number, id->raw());
    return true;
}

// ---- objects ----

bool put_object(pbf_writer& out, const Schema& schema, const json::value& value, Path& path);

bool put_value(pbf_writer& out, const Field& field, const json::value& value, Path& path) {
    switch (field.type) {
        case FieldType::text: return put_text(out, field, value, path);
        case FieldType::bytes: return put_blob(out, field, value, path);
        case FieldType::uuid: return put_uuid(out, field, value, path);
        case FieldType::enumeration: return put_enum(out, field, value, path);
        case FieldType::message: {
            std::string content;  // of its own, because protozero drops a nested message that stays empty
            pbf_writer part(content);
            if (!put_object(part, *field.part, value, path)) return false;
            out.add_message(field.number, content);
            return true;
        }
        case FieldType::uint32:
        case FieldType::uint64:
        case FieldType::int64:
        case FieldType::fixed64:
        case FieldType::boolean: break;
    }
    return put_integer(out, field, value, path);
}

bool put_list(pbf_writer& out, const Field& field, const json::value& value, Path& path) {
    if (!value.is_array()) return path.fail("expected an array");
    const json::array& elements = value.get_array();
    if (elements.size() > field.limit) return path.fail("more than " + std::to_string(field.limit) + " elements");
    Field element = field;
    if (field.type == FieldType::text) element.limit = kMaxNameBytes;  // that of the list is how many there are
    for (std::size_t i = 0; i < elements.size(); ++i) {
        const Path::Step step(path, i);
        const bool is_name = field.type == FieldType::text && elements[i].is_string();
        if (is_name && elements[i].get_string().empty()) return path.fail("expected a name, which is not empty");
        if (!put_value(out, element, elements[i], path)) return false;
    }
    return true;
}

// The member by either name; null counts as absent.
const json::value* member(const json::object& object, const Field& field) {
    const json::value* const found = base::json_member(object, field.name.json());
    return found != nullptr ? found : base::json_member(object, field.name.original());
}

bool is_absent_id(const json::value* value) {
    return value == nullptr || (value->is_string() && value->get_string().empty());
}

// What a person need not type: ids, and `text` in place of `payload`. Nothing: the field is like any other.
std::optional<bool> put_convenience(pbf_writer& out, const Schema& schema, const Field& field,
                                    const json::object& object, const json::value* found, Path& path) {
    if (&schema == &kSchemaOf<Hello> && field.name.json() == "attemptId" && is_absent_id(found)) {
        put_bytes(out, field.number, base::system_random().uuid().raw());
        return true;
    }
    const bool of_request = &schema == &kSchemaOf<RequestView>;
    if (&schema != &kMessageSchema && !of_request) return std::nullopt;
    if (field.name.json() == "id" && is_absent_id(found)) {
        put_bytes(out, field.number, Uuid::v7().raw());
        return true;
    }
    if (of_request) return std::nullopt;
    if (field.number == kTextField) return true;  // was taken as payload
    if (field.number != kPayloadField) return std::nullopt;
    const Field& text = *schema.find(kTextField);
    const json::value* typed = member(object, text);
    if (typed == nullptr) return std::nullopt;
    if (found != nullptr) return path.fail("cannot stand beside text");
    if (!typed->is_string()) return path.fail("text, which stands for it, must be a string");
    Field as_payload = text;
    as_payload.number = kPayloadField;
    return put_text(out, as_payload, *typed, path);
}

bool put_object(pbf_writer& out, const Schema& schema, const json::value& value, Path& path) {
    if (!value.is_object()) return path.fail("expected an object");
    const json::object& object = value.get_object();
    for (const Field& field : schema.fields) {
        const Path::Step step(path, field.name.json());
        const json::value* found = member(object, field);
        if (const auto done = put_convenience(out, schema, field, object, found, path)) {
            if (!*done) return false;
        } else if (found != nullptr) {
            if (!(field.repeated ? put_list(out, field, *found, path) : put_value(out, field, *found, path)))
                return false;
        } else if (field.required) {
            return path.fail("expected " + std::to_string(field.exact) + " bytes in base64");
        }
    }
    return true;
}

// ---- frames ----

// A kind of frame that a reader may pass over: docs/protocol.md, "Extensions".
bool is_hint(std::string_view name) {
    constexpr std::string_view kHint = "hint";
    return name.starts_with(kHint) && name.size() > kHint.size() &&
           (name[kHint.size()] == '_' || (name[kHint.size()] >= 'A' && name[kHint.size()] <= 'Z'));
}

enum class Use { taken, passed_over, refused };

// A frame that has nothing for version 1: fine if a later version says so, and has not numbered it.
Use judge_stranger(const json::object& object, bool has_number, Path& path) {
    std::string_view stranger;
    for (const auto& each : object) {
        if (kFrameSchema.find(each.key()) != nullptr) continue;
        if (is_hint(each.key()) && !has_number) return Use::passed_over;
        if (stranger.empty()) stranger = each.key();
    }
    if (stranger.empty()) {
        path.fail("a frame needs a body (hello, data, ping, ...) or acks");
    } else {
        const Path::Step step(path, stranger);
        path.fail("not a frame of version 1");
    }
    return Use::refused;
}

// The rules that bind the fields of a frame to each other.
Use judge_frame(const json::object& object, Path& path) {
    const Field* body = nullptr;
    for (const Field& field : kFrameSchema.fields) {
        if (field.number < kFirstBodyField || member(object, field) == nullptr) continue;
        if (body != nullptr) {
            path.fail("has both " + std::string(body->name.json()) + " and " + std::string(field.name.json()) +
                      ": only one can be");
            return Use::refused;
        }
        body = &field;
    }
    const json::value* seq = member(object, *kFrameSchema.find("seq"));
    const bool has_number = seq != nullptr && to_unsigned(*seq).value_or(1) != 0;
    const json::value* acks = member(object, *kFrameSchema.find("acks"));
    if (body == nullptr && (acks == nullptr || (acks->is_array() && acks->get_array().empty()))) {
        return judge_stranger(object, has_number, path);
    }
    const bool wants_number = body != nullptr && is_numbered(static_cast<FrameKind>(body->number));
    if (has_number == wants_number) return Use::taken;
    const Path::Step step(path, "seq");
    path.fail(wants_number ? "data, chunk, receipt, request, response and feed frames need a number, from 1"
                           : "only data, chunk, receipt, request, response and feed frames have a number");
    return Use::refused;
}

bool put_frame(std::string& batch, const json::value& value, Path& path) {
    if (!value.is_object()) return path.fail("expected a frame as an object");
    const Use use = judge_frame(value.get_object(), path);
    if (use != Use::taken) return use == Use::passed_over;
    std::string frame;
    pbf_writer out(frame);
    if (!put_object(out, kFrameSchema, value, path)) return false;
    if (frame.size() > kMaxFrameBytes) {
        return path.fail("the frame is longer than " + std::to_string(kMaxFrameBytes) + " bytes: send it in chunks",
                         errc::frame_too_large);
    }
    char length[10];
    batch.append(length, static_cast<std::size_t>(put_varint(length, frame.size()) - length));
    batch.append(frame);
    return batch.size() <= kMaxBatchBytes || path.fail("the batch is too long", errc::batch_too_large);
}

bool parse(std::string_view text, json::value& value, Path& path) {
    if (text.size() > kMaxBatchBytes) return path.fail("the text is longer than a batch may be", errc::batch_too_large);
    if (!base::is_utf8(text)) return path.fail("the text is not UTF-8", errc::invalid_utf8);
    json::parser parser;
    boost::system::error_code error;
    const std::size_t read = parser.write_some(text, error);
    if (error) return path.fail("not JSON, at byte " + std::to_string(read) + ": " + error.message());
    const auto rest = text.find_first_not_of(" \t\r\n", read);
    if (rest != text.npos)
        return path.fail("not JSON, at byte " + std::to_string(rest) + ": something follows the value");
    value = parser.release();
    return true;
}

bool put_batch(std::string& batch, std::string_view text, Path& path) {
    json::value value;
    if (!parse(text, value, path)) return false;
    if (!value.is_array()) return put_frame(batch, value, path);
    const json::array& frames = value.get_array();
    for (std::size_t i = 0; i < frames.size(); ++i) {
        const Path::Step step(path, i);
        if (!put_frame(batch, frames[i], path)) return false;
    }
    return true;
}

}  // namespace

Result<std::string> json_to_content(const Schema& schema, std::string_view text, std::string* error_text) {
    std::string content;
    pbf_writer out(content);
    json::value value;
    Path path;
    if (parse(text, value, path) && put_object(out, schema, value, path)) return content;
    if (error_text != nullptr) *error_text = path.error();
    return make_error_code(path.code());
}

Result<std::string> json_to_batch(std::string_view text, std::string* error_text) {
    std::string batch;
    Path path;
    if (put_batch(batch, text, path)) return batch;
    if (error_text != nullptr) *error_text = path.error();
    return make_error_code(path.code());
}

}  // namespace flare::wire
