// Data, Chunk, Receipt: the numbered frames, whose coding is the hot path.
#include "wire/data_codec.hpp"
#include "wire/fields.hpp"
#include "wire/frame.hpp"

namespace flare::wire {
namespace {

errc read_message(std::string_view bytes, MessageView& message) noexcept {
    std::string_view text;
    Reader reader(bytes);
    while (reader.next()) {
        switch (reader.tag()) {
            case bytes_tag(1): message.id = reader.uuid(); break;
            case bytes_tag(2): message.type = reader.text(kMaxNameBytes); break;
            case bytes_tag(3): message.payload = reader.bytes(); break;
            case number_tag(4): message.timestamp_ms = static_cast<std::int64_t>(reader.number()); break;
            case bytes_tag(5): message.to = reader.text(kMaxNameBytes); break;
            case bytes_tag(6): text = reader.text(bytes.size()); break;
            case number_tag(7):
                message.encoding = to_enum(reader.number(), Encoding::zstd_dictionary, Encoding::unknown);
                break;
            case number_tag(8): message.size = reader.number(); break;
            case bytes_tag(9): message.about = reader.bytes(); break;
            default: reader.skip(9);
        }
    }
    if (message.payload.empty()) message.payload = text;  // typed by a person
    return reader.code();
}

errc read_receipt(std::string_view bytes, ReceiptView& receipt) noexcept {
    Reader reader(bytes);
    while (reader.next()) {
        switch (reader.tag()) {
            case bytes_tag(1): receipt.message_id = reader.uuid(); break;
            case number_tag(2):
                receipt.status = to_enum(reader.number(), ReceiptStatus::refused, ReceiptStatus::unspecified);
                break;
            case number_tag(3): receipt.code = to_errc(reader.number()); break;
            case bytes_tag(4): receipt.text = reader.text(kMaxTextBytes); break;
            case number_tag(5): receipt.retry_after_ms = reader.small_number(); break;
            case fixed_tag(6): receipt.stored.position.epoch = reader.fixed(); break;
            case number_tag(7): receipt.stored.position.offset = reader.number(); break;
            case number_tag(8): receipt.stored.time_ms = static_cast<std::int64_t>(reader.number()); break;
            default: reader.skip(8);
        }
    }
    return reader.code();
}

// What the message takes of the lane's byte credit.
std::uint64_t cost_of(const DataView& data) noexcept {
    if (data.message) return data.message->payload.size();
    MessageView message;
    read_message(data.message_raw, message);
    return message.payload.size();
}

}  // namespace

Bytes encode_message(const MessageView& message) {
    return Bytes::make(message_size(message), [&](char* out) { put_message(out, message); });
}

std::string with_payload(std::string_view raw, std::string_view payload, Encoding encoding, std::uint64_t size) {
    MessageView tail;
    tail.payload = payload;
    tail.encoding = encoding;
    tail.size = size;
    const std::size_t room = raw.size() + message_size(tail);
    std::string out;
    out.reserve(room);
    Reader reader(raw);
    for (std::size_t begin = raw.size(); reader.next(); begin = reader.left()) {
        const std::uint32_t field = reader.field();
        const bool replaced = field == 3 || field == 6 || field == 7 || field == 8;
        if (!replaced) out.append(raw.substr(raw.size() - begin, begin - reader.left()));
    }
    const std::size_t kept = out.size();
    out.resize(room);
    char* end = put_bytes(out.data() + kept, 3, payload);
    end = put_number(end, 7, static_cast<std::uint64_t>(encoding));
    end = put_number(end, 8, size);
    out.resize(static_cast<std::size_t>(end - out.data()));
    return out;
}

Body encode(const DataView& data) {
    const DataSize size = measure(data);
    Body body;
    body.kind = FrameKind::data;
    body.content_offset = static_cast<std::uint32_t>(body_size(FrameKind::data, size.total) - size.total);
    body.cost = cost_of(data);
    body.bytes = Bytes::make(body.content_offset + size.total,
                             [&](char* out) { put(put_body_tag(out, FrameKind::data, size.total), data, size); });
    return body;
}

Body encode(const ReceiptView& receipt) {
    const std::size_t size = receipt_size(receipt);
    Body body;
    body.kind = FrameKind::receipt;
    body.content_offset = static_cast<std::uint32_t>(body_size(FrameKind::receipt, size) - size);
    body.bytes = Bytes::make(body.content_offset + size,
                             [&](char* out) { put_receipt(put_body_tag(out, FrameKind::receipt, size), receipt); });
    return body;
}

errc read_data(std::string_view body, DataView& data) noexcept {
    Reader reader(body);
    while (reader.next()) {
        switch (reader.tag()) {
            case bytes_tag(1): data.from = reader.text(kMaxNameBytes); break;
            case bytes_tag(2):
                data.message_raw = reader.bytes();
                reader.join(read_message(data.message_raw, data.message.emplace()));
                break;
            case bytes_tag(3): reader.join(read_receipt(reader.bytes(), data.receipt.emplace())); break;
            case number_tag(4): data.first_sent_ms_ago = reader.number(); break;
            case number_tag(5): data.server_time_ms = static_cast<std::int64_t>(reader.number()); break;
            default: reader.skip(5);
        }
    }
    return reader.code();
}

Result<DataView> decode_data(std::string_view body) {
    Result<DataView> result;
    if (const errc code = read_data(body, *result); code != errc::ok) result = make_error_code(code);
    return result;
}

Result<MessageView> decode_message(std::string_view bytes) {
    MessageView message;
    if (const errc code = read_message(bytes, message); code != errc::ok) return make_error_code(code);
    return message;
}

Result<ChunkView> decode_chunk(std::string_view body) {
    ChunkView chunk;
    Reader reader(body);
    while (reader.next()) {
        switch (reader.tag()) {
            case number_tag(1): chunk.total = reader.number(); break;
            case bytes_tag(2): chunk.part = reader.bytes(); break;
            case number_tag(3): chunk.kind = reader.small_number(); break;
            default: reader.skip(3);
        }
    }
    if (reader.failed()) return reader.error();
    return chunk;
}

Result<ReceiptView> decode_receipt(std::string_view body) {
    ReceiptView receipt;
    if (const errc code = read_receipt(body, receipt); code != errc::ok) return make_error_code(code);
    return receipt;
}

}  // namespace flare::wire
