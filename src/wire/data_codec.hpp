// Encoding of flare.v1.Data in two steps, measure and put, for Body and Batch. Inline, because Batch::add_data is the
// hot path.
//
// Protocol: docs/wire.md, "Data".
// Threads:  pure functions.
#pragma once

#include "wire/frame.hpp"
#include "wire/writer.hpp"

#include <cstddef>
#include <cstdint>

namespace flare::wire {

inline std::size_t message_size(const MessageView& message) noexcept {
    return bytes_size(16) + bytes_size(message.type.size()) + bytes_size(message.payload.size()) +
           number_size(static_cast<std::uint64_t>(message.timestamp_ms)) + bytes_size(message.to.size()) +
           number_size(static_cast<std::uint64_t>(message.encoding)) + number_size(message.size) +
           bytes_size(message.about.size());
}

inline char* put_message(char* out, const MessageView& message) noexcept {
    out = put_bytes(out, 1, message.id.raw());
    out = put_bytes(out, 2, message.type);
    out = put_bytes(out, 3, message.payload);
    out = put_number(out, 4, static_cast<std::uint64_t>(message.timestamp_ms));
    out = put_bytes(out, 5, message.to);
    out = put_number(out, 7, static_cast<std::uint64_t>(message.encoding));
    out = put_number(out, 8, message.size);
    return put_bytes(out, 9, message.about);
}

inline std::size_t receipt_size(const ReceiptView& receipt) noexcept {
    return bytes_size(16) + number_size(static_cast<std::uint64_t>(receipt.status)) +
           number_size(static_cast<std::uint64_t>(receipt.code)) + bytes_size(cut_text(receipt.text).size()) +
           number_size(receipt.retry_after_ms) + fixed_size(receipt.stored.position.epoch) +
           number_size(receipt.stored.position.offset) +
           number_size(static_cast<std::uint64_t>(receipt.stored.time_ms));
}

inline char* put_receipt(char* out, const ReceiptView& receipt) noexcept {
    out = put_bytes(out, 1, receipt.message_id.raw());
    out = put_number(out, 2, static_cast<std::uint64_t>(receipt.status));
    out = put_number(out, 3, static_cast<std::uint64_t>(receipt.code));
    out = put_bytes(out, 4, cut_text(receipt.text));
    out = put_number(out, 5, receipt.retry_after_ms);
    out = put_fixed(out, 6, receipt.stored.position.epoch);
    out = put_number(out, 7, receipt.stored.position.offset);
    return put_number(out, 8, static_cast<std::uint64_t>(receipt.stored.time_ms));
}

// Lengths of content, without tag and length.
struct DataSize {
    std::size_t message = 0;
    std::size_t receipt = 0;
    std::size_t total = 0;  // of the whole Data
};

inline DataSize measure(const DataView& data) noexcept {
    DataSize size;
    if (!data.message_raw.empty()) {
        size.message = data.message_raw.size();
    } else if (data.message) {
        size.message = message_size(*data.message);
    }
    if (data.receipt) size.receipt = receipt_size(*data.receipt);
    size.total = bytes_size(data.from.size()) + bytes_size(size.message) + bytes_size(size.receipt) +
                 number_size(data.first_sent_ms_ago) + number_size(static_cast<std::uint64_t>(data.server_time_ms));
    return size;
}

// Writes size.total bytes, where `size` is what measure() said. Returns the end.
inline char* put(char* out, const DataView& data, const DataSize& size) noexcept {
    out = put_bytes(out, 1, data.from);
    if (!data.message_raw.empty()) {
        out = put_bytes(out, 2, data.message_raw);
    } else if (data.message) {
        out = put_message(put_varint(put_tag(out, bytes_tag(2)), size.message), *data.message);
    }
    if (data.receipt) out = put_receipt(put_varint(put_tag(out, bytes_tag(3)), size.receipt), *data.receipt);
    out = put_number(out, 4, data.first_sent_ms_ago);
    return put_number(out, 5, static_cast<std::uint64_t>(data.server_time_ms));
}

}  // namespace flare::wire
