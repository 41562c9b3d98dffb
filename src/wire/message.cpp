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
            default: reader.skip(6);
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
            default: reader.skip(5);
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

Result<DataView> decode_data(std::string_view body) {
    Result<DataView> result;  // filled in place: moving a DataView would cost as much as reading it
    DataView& data = *result;
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
            default: reader.skip(4);
        }
    }
    if (reader.failed()) result = reader.error();
    return result;
}

Result<ChunkView> decode_chunk(std::string_view body) {
    ChunkView chunk;
    Reader reader(body);
    while (reader.next()) {
        switch (reader.tag()) {
            case number_tag(1): chunk.total = reader.number(); break;
            case bytes_tag(2): chunk.part = reader.bytes(); break;
            default: reader.skip(2);
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
