// Encodes a message of the application once for all recipients.
//
// Threads: any.
// Owner:   Server::Impl.
#pragma once

#include "server/config.hpp"
#include "wire/forms.hpp"

#include <memory>
#include <string>
#include <string_view>

namespace flare::server {

struct EncodedMessage {
    std::string from;
    wire::Forms forms;
    Priority priority = Priority::normal;
};

class Encoder {
public:
    // `config` must outlive it.
    explicit Encoder(const Config& config) : config_(config) {}

    // message_too_large, invalid_name; ok: encode() takes it.
    errc what_is_wrong(const Message& message) const noexcept;
    // For a user. `has_time`: what is too large for an event loop is compressed here.
    std::shared_ptr<EncodedMessage> encode(const Message& message, std::string_view to, bool has_time) const;
    // For many: all workers read it at the same time, so what their sessions may want of it (`in_use`) is made now.
    std::shared_ptr<EncodedMessage> encode_for_many(const Message& message, wire::Encodings in_use,
                                                    bool has_time) const;

private:
    const Config& config_;
};

}  // namespace flare::server
