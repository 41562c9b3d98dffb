// The fields of Frame, and of the frames whose codec is written by hand. Those of control frames: control_tables.hpp.
#include "wire/schema.hpp"

#include "wire/about_table.hpp"
#include "wire/control_tables.hpp"
#include "wire/frame.hpp"

#include <algorithm>

namespace flare::wire {
namespace {

constexpr std::string_view kStatuses[] = {"RECEIPT_STATUS_UNSPECIFIED", "RECEIPT_STATUS_HANDLED",
                                          "RECEIPT_STATUS_DELIVERED",   "RECEIPT_STATUS_BUFFERED",
                                          "RECEIPT_STATUS_STORED",      "RECEIPT_STATUS_REFUSED"};

constexpr Field field(std::uint32_t number, std::string_view name, FieldType type, std::uint64_t limit = kNoLimit) {
    return {.number = number, .name = name, .type = type, .limit = limit};
}
constexpr Field field(std::uint32_t number, std::string_view name, std::span<const std::string_view> enumerators) {
    return {.number = number, .name = name, .type = FieldType::enumeration, .enumerators = enumerators};
}
constexpr Field field(std::uint32_t number, std::string_view name, const Schema& part) {
    return {.number = number, .name = name, .type = FieldType::message, .part = &part};
}

// A body whose schema is in another file.
constexpr Field body_as_bytes(std::uint32_t number, std::string_view name) {
    return {.number = number, .name = name, .type = FieldType::bytes, .says_something = true};
}

constexpr Field kMessageFields[] = {
    field(1, "id", FieldType::uuid),
    field(2, "type", FieldType::text, kMaxNameBytes),
    field(kPayloadField, "payload", FieldType::bytes),
    field(4, "timestamp_ms", FieldType::int64),
    field(5, "to", FieldType::text, kMaxNameBytes),
    field(kTextField, "text", FieldType::text),
    field(7, "encoding", kEncodings),
    field(8, "size", FieldType::uint64),
    field(9, "about", kSchemaOf<About>),
};

constexpr Field kReceiptFields[] = {
    field(1, "message_id", FieldType::uuid),       field(2, "status", kStatuses),
    field(3, "code", FieldType::uint32),           field(4, "text", FieldType::text, kMaxTextBytes),
    field(5, "retry_after_ms", FieldType::uint32), field(6, "epoch", FieldType::fixed64),
    field(7, "offset", FieldType::uint64),         field(8, "time_ms", FieldType::int64),
};
constexpr Schema kReceipt{"Receipt", kReceiptFields};

}  // namespace

constexpr Schema kMessageSchema{"Message", kMessageFields};

namespace {

constexpr Field kDataFields[] = {
    field(1, "from", FieldType::text, kMaxNameBytes),
    field(2, "message", kMessageSchema),
    field(3, "receipt", kReceipt),
    field(4, "first_sent_ms_ago", FieldType::uint64),
    field(5, "server_time_ms", FieldType::int64),
};
constexpr Schema kData{"Data", kDataFields};

constexpr Field kChunkFields[] = {
    field(1, "total", FieldType::uint64),
    field(2, "part", FieldType::bytes),
    field(3, "kind", FieldType::uint32),
};
constexpr Schema kChunk{"Chunk", kChunkFields};

constexpr Field kFrameFields[] = {
    field(1, "lane", FieldType::uint32, kMaxLanes - 1),
    field(2, "seq", FieldType::uint64),
    list<LaneState>(3, "acks", &FrameHeader::acks).field,
    field(4, "feed_id", FieldType::uint32),
    field(10, "hello", kSchemaOf<Hello>),
    field(11, "welcome", kSchemaOf<Welcome>),
    field(12, "refused", kSchemaOf<Refused>),
    field(13, "activate", kSchemaOf<Activate>),
    field(14, "goodbye", kSchemaOf<Goodbye>),
    field(15, "ping", kSchemaOf<Ping>),
    field(16, "pong", kSchemaOf<Ping>),
    field(17, "data", kData),
    field(18, "chunk", kChunk),
    field(19, "receipt", kReceipt),
    field(20, "sealed", kSchemaOf<SealedView>),
    field(21, "credential", kSchemaOf<CredentialView>),
    field(22, "credential_state", kSchemaOf<CredentialState>),
    field(23, "seal", kSchemaOf<Seal>),
    field(24, "request", kSchemaOf<RequestView>),
    field(25, "response", kSchemaOf<ResponseView>),
    body_as_bytes(26, "feed"),
    body_as_bytes(100, "hint_notice"),
};

}  // namespace

constexpr Schema kFrameSchema{"Frame", kFrameFields};

const Field* Schema::find(std::uint32_t number) const noexcept {
    const auto found =
        std::find_if(fields.begin(), fields.end(), [&](const Field& each) { return each.number == number; });
    return found == fields.end() ? nullptr : &*found;
}

const Field* Schema::find(std::string_view wanted) const noexcept {
    const auto found = std::find_if(fields.begin(), fields.end(), [&](const Field& each) {
        return each.name.json() == wanted || each.name.original() == wanted;
    });
    return found == fields.end() ? nullptr : &*found;
}

}  // namespace flare::wire
