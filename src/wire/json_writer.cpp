// Binary batch -> JSON, driven by the table of the schema.
#include "wire/base64.hpp"
#include "wire/batch.hpp"
#include "wire/json.hpp"
#include "wire/reader.hpp"
#include "wire/schema.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>

#include <algorithm>

namespace flare::wire {
namespace {

namespace json = boost::json;

constexpr std::uint64_t kLargestEnum = 0x7fffffff;  // in JSON

constexpr WireType wire_type(FieldType type) noexcept {
    switch (type) {
        case FieldType::uint32:
        case FieldType::uint64:
        case FieldType::int64:
        case FieldType::boolean:
        case FieldType::enumeration: return WireType::varint;
        case FieldType::fixed64: return WireType::fixed64;
        case FieldType::text:
        case FieldType::bytes:
        case FieldType::uuid:
        case FieldType::message: break;
    }
    return WireType::bytes;
}

errc to_object(std::string_view bytes, const Schema& schema, json::object& out);

json::value number_value(const Field& field, std::uint64_t number) {
    switch (field.type) {
        case FieldType::boolean: return number != 0;
        case FieldType::uint32: return static_cast<std::uint32_t>(number);
        case FieldType::int64: return json::string(std::to_string(static_cast<std::int64_t>(number)));
        case FieldType::enumeration:
            if (number < field.enumerators.size())
                return json::string(field.enumerators[static_cast<std::size_t>(number)]);
            return static_cast<std::int32_t>(std::min<std::uint64_t>(number, kLargestEnum));  // none that has a name
        default: return json::string(std::to_string(number));  // 64 bits do not fit into a JavaScript number
    }
}

// A member that has its default is left out, also if the field came before and had another value: the last one counts.
template <typename Value>
void put(json::object& out, const Field& field, bool is_there, const Value& value) {
    if (is_there) {
        out[field.name.json()] = value();
    } else {
        out.erase(field.name.json());
    }
}

// Takes the field that `reader` stands at.
void take(Reader& reader, const Field& field, json::object& out) {
    if (reader.type() != WireType::bytes) {
        const std::uint64_t number = reader.type() == WireType::varint ? reader.number() : reader.fixed();
        put(out, field, number != 0, [&] { return number_value(field, number); });
        return;
    }
    const std::string_view bytes = reader.bytes();
    if (field.type == FieldType::message) {
        json::object part;
        reader.join(to_object(bytes, *field.part, part));
        if (!field.repeated) {
            out[field.name.json()] = std::move(part);
            return;
        }
        json::value& list = out[field.name.json()];
        if (!list.is_array()) list.emplace_array();
        list.get_array().push_back(std::move(part));
    } else if (field.type == FieldType::text) {
        if (!base::is_utf8(bytes)) {
            reader.fail(errc::invalid_utf8);
        } else if (field.repeated) {
            json::value& list = out[field.name.json()];
            if (!list.is_array()) list.emplace_array();
            list.get_array().emplace_back(bytes);
        } else {
            put(out, field, !bytes.empty(), [&] { return json::value(bytes); });
        }
    } else {
        put(out, field, !bytes.empty(), [&] { return json::value(to_base64(bytes)); });
    }
}

// Fields with their default are left out, as proto3 does.
errc to_object(std::string_view bytes, const Schema& schema, json::object& out) {
    const bool in_message = &schema == &kMessageSchema;
    const bool in_frame = &schema == &kFrameSchema;
    std::string_view payload;
    std::string_view text;
    const Field* body = nullptr;
    std::string_view body_bytes;
    Reader reader(bytes);
    while (reader.next()) {
        const Field* field = schema.find(reader.field());
        if (field == nullptr) continue;
        if (reader.type() != wire_type(field->type)) {
            reader.fail();
        } else if (in_message && field->number == kPayloadField) {
            payload = reader.bytes();
        } else if (in_message && field->number == kTextField) {
            text = reader.text(bytes.size());
        } else if (in_frame && field->number >= kFirstBodyField) {
            body = field;  // the last one counts
            body_bytes = reader.bytes();
        } else {
            take(reader, *field, out);
        }
    }
    if (payload.empty()) payload = text;
    if (base::is_utf8(payload)) {
        if (!payload.empty()) out["text"] = payload;
    } else {
        out["payload"] = to_base64(payload);
    }
    if (body != nullptr && body->type == FieldType::bytes) {
        out[body->name.json()] = to_base64(body_bytes);
    } else if (body != nullptr && !reader.failed()) {
        json::object part;
        reader.join(to_object(body_bytes, *body->part, part));
        out[body->name.json()] = std::move(part);
    }
    return reader.code();
}

}  // namespace

Result<std::string> content_to_json(const Schema& schema, std::string_view content) {
    json::object object;
    if (const errc code = to_object(content, schema, object); code != errc::ok) return make_error_code(code);
    return json::serialize(object);
}

Result<std::string> batch_to_json(std::string_view batch) {
    json::array frames;
    for (Reader reader(batch); reader.left() != 0;) {
        std::string_view frame;
        if (!reader.take_prefixed(frame)) return make_error_code(errc::malformed_frame);
        json::object object;
        if (const errc code = to_object(frame, kFrameSchema, object); code != errc::ok) return make_error_code(code);
        frames.push_back(std::move(object));
    }
    return frames.size() == 1 ? json::serialize(frames.front()) : json::serialize(frames);
}

}  // namespace flare::wire
