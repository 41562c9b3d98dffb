// One table for everything that is said about an error code.
#include <flare/error.hpp>

#include <algorithm>
#include <array>
#include <string>

namespace flare {
namespace {

struct Row {
    errc code;
    std::string_view name;
    std::string_view text;
    errcond condition;
};

constexpr auto kNone = static_cast<errcond>(0);

constexpr Row kRows[] = {
    {errc::ok, "ok", "no error", kNone},
    {errc::malformed_frame, "malformed_frame", "a frame cannot be decoded: the peer and this side disagree about the protocol", errcond::protocol},
    {errc::unsupported_version, "unsupported_version", "the peer speaks another version of the protocol: update the older side", errcond::protocol},
    {errc::frame_too_large, "frame_too_large", "a frame is larger than the limit in welcome: cut it into chunks", errcond::protocol},
    {errc::batch_too_large, "batch_too_large", "a batch is larger than the limit in welcome: send smaller batches", errcond::protocol},
    {errc::unexpected_frame, "unexpected_frame", "a frame came that is not allowed in this state", errcond::protocol},
    {errc::sequence_gap, "sequence_gap", "a numbered frame is missing on this carrier: attach another one", errcond::protocol},
    {errc::bad_ack, "bad_ack", "an acknowledgement names a number that was never sent", errcond::protocol},
    {errc::credit_exceeded, "credit_exceeded", "more was sent than the credit allowed", errcond::protocol},
    {errc::unknown_lane, "unknown_lane", "a frame names a lane that the session does not have", errcond::protocol},
    {errc::text_on_binary, "text_on_binary", "a text message came on the binary subprotocol flare.v1: use flare.v1.json for text", errcond::protocol},
    {errc::binary_on_text, "binary_on_text", "a binary message came on the text subprotocol flare.v1.json: use flare.v1 for binary", errcond::protocol},
    {errc::hello_timeout, "hello_timeout", "the connection did not say hello in time", errcond::protocol},
    {errc::invalid_utf8, "invalid_utf8", "a text field is not valid UTF-8", errcond::protocol},
    {errc::websocket_violation, "websocket_violation", "the peer broke the rules of WebSocket (RFC 6455)", errcond::protocol},
    {errc::bad_upgrade, "bad_upgrade", "the HTTP upgrade to WebSocket failed: is this a Flare server, and is the path right?", errcond::protocol},
    {errc::subprotocol_missing, "subprotocol_missing", "no common subprotocol: offer flare.v1 or flare.v1.json", errcond::protocol},
    {errc::malformed_json, "malformed_json", "a text message is not the JSON of a frame", errcond::protocol},
    {errc::bad_chunk, "bad_chunk", "the pieces of a big message do not fit together", errcond::protocol},
    {errc::unauthenticated, "unauthenticated", "the token is missing or wrong: sign in again", errcond::auth},
    {errc::token_expired, "token_expired", "the token has expired: get a new one", errcond::auth},
    {errc::user_mismatch, "user_mismatch", "the credential belongs to another user than the one claimed", errcond::auth},
    {errc::forbidden, "forbidden", "the server's policy does not allow this", errcond::auth},
    {errc::reserved_name, "reserved_name", "this name is reserved ('server', 'room:...'): choose another", errcond::auth},
    {errc::session_unknown, "session_unknown", "the server does not know the session (it was restarted, or the session is long over): a new one is made", errcond::retryable},
    {errc::session_expired, "session_expired", "the session outlived its time without a carrier: a new one is made", errcond::retryable},
    {errc::ticket_invalid, "ticket_invalid", "the resume ticket has been replaced or is not one: use the latest", errcond::retryable},
    {errc::resume_proof_invalid, "resume_proof_invalid", "the resume proof does not fit the session's secret", errcond::auth},
    {errc::stale_carrier, "stale_carrier", "a newer connection of the same session has taken over", errcond::retryable},
    {errc::session_replaced, "session_replaced", "the same user and device have connected elsewhere: give each device its own device id", errcond::auth},
    {errc::session_ended, "session_ended", "the session is over", errcond::retryable},
    {errc::encryption_unavailable, "encryption_unavailable", "encryption is required and the peer does not offer it", errcond::auth},
    {errc::compression_unavailable, "compression_unavailable", "the peer does not offer compression", kNone},
    {errc::kicked, "kicked", "the server's application has ended the session", errcond::auth},
    {errc::message_too_large, "message_too_large", "the message is larger than the limit: raise it on both sides, or send a reference", kNone},
    {errc::outbox_full, "outbox_full", "too many messages wait for their receipts: wait for results before sending more", errcond::retryable},
    {errc::too_many_connections, "too_many_connections", "the server holds as many connections as it is allowed to", errcond::retryable},
    {errc::too_many_per_address, "too_many_per_address", "too many connections from this address", errcond::retryable},
    {errc::busy, "busy", "the server has no memory for this now: try again after retry_after", errcond::retryable},
    {errc::slow_consumer, "slow_consumer", "the client did not consume what was sent to it in time", errcond::retryable},
    {errc::send_window_full, "send_window_full", "too many frames are unacknowledged", errcond::retryable},
    {errc::rate_limited, "rate_limited", "too much in too short a time: try again after retry_after", errcond::retryable},
    {errc::probe_limit, "probe_limit", "more probes than the server allows", errcond::retryable},
    {errc::user_offline, "user_offline", "the recipient has no session on this server", errcond::retryable},
    {errc::unknown_target, "unknown_target", "the target is not a user id, 'server' or 'room:NAME'", kNone},
    {errc::handler_failed, "handler_failed", "the server's message handler failed", kNone},
    {errc::recipient_busy, "recipient_busy", "too much waits for the recipient already: try again later", errcond::retryable},
    {errc::too_old, "too_old", "the server may have acted on this message long ago and will not risk doing it twice", kNone},
    {errc::outcome_unknown, "outcome_unknown", "the message was sent and never acknowledged: it may or may not have arrived", kNone},
    {errc::invalid_message_id, "invalid_message_id", "a message id must be a UUID", kNone},
    {errc::duplicate_message_id, "duplicate_message_id", "a message with this id still waits for its receipt", kNone},
    {errc::cancelled, "cancelled", "the message was taken out of the queue before it was sent", kNone},
    {errc::not_connected, "not_connected", "there is no connection: call connect() first", errcond::retryable},
    {errc::connection_refused, "connection_refused", "nobody listens at this address: is the server running, is the port right?", errcond::retryable},
    {errc::connect_timeout, "connect_timeout", "no answer within the connection time-out: is the address right, does a firewall drop it?", errcond::retryable},
    {errc::connection_lost, "connection_lost", "the connection broke", errcond::retryable},
    {errc::heartbeat_timeout, "heartbeat_timeout", "nothing was heard from the peer within the heartbeat time-out", errcond::retryable},
    {errc::closed_by_peer, "closed_by_peer", "the peer closed the connection", errcond::retryable},
    {errc::host_not_found, "host_not_found", "the host name cannot be resolved: check its spelling and the DNS", errcond::retryable},
    {errc::tls_failed, "tls_failed", "the TLS handshake failed", kNone},
    {errc::certificate_rejected, "certificate_rejected", "the server's certificate is not trusted: give the right ca_file() and server_name()", errcond::auth},
    {errc::protocol_unavailable, "protocol_unavailable", "this protocol is not configured or not reachable", kNone},
    {errc::would_deadlock, "would_deadlock", "a blocking call on the thread that would have to do the work: use the coroutine form", errcond::config},
    {errc::client_closed, "client_closed", "the client was closed", kNone},
    {errc::shutting_down, "shutting_down", "the other side is shutting down: come back after retry_after", errcond::retryable},
    {errc::network_unreachable, "network_unreachable", "there is no route to this address", errcond::retryable},
    {errc::reconnect_failed, "reconnect_failed", "every attempt to reconnect failed", errcond::retryable},
    {errc::already_connected, "already_connected", "the client is connected or connecting already", kNone},
    {errc::invalid_config, "invalid_config", "the configuration is wrong", errcond::config},
    {errc::address_in_use, "address_in_use", "another process listens on this address: stop it or choose another port", errcond::config},
    {errc::address_unavailable, "address_unavailable", "this machine does not have the address", errcond::config},
    {errc::file_not_found, "file_not_found", "the file does not exist", errcond::config},
    {errc::file_unreadable, "file_unreadable", "the file cannot be read: check its permissions", errcond::config},
    {errc::certificate_invalid, "certificate_invalid", "the file holds no valid PEM certificate or key", errcond::config},
    {errc::certificate_expired, "certificate_expired", "the certificate has expired or is not valid yet: make a new one", errcond::config},
    {errc::certificate_key_mismatch, "certificate_key_mismatch", "the private key does not belong to the certificate", errcond::config},
    {errc::not_supported, "not_supported", "this version does not support it", errcond::config},
    {errc::permission_denied, "permission_denied", "the system does not permit it", errcond::config},
    {errc::out_of_files, "out_of_files", "no file descriptors are left: raise the limit of open files", errcond::retryable},
    {errc::internal, "internal", "an error inside Flare: please report it", kNone},
};

const Row* find(int code) noexcept {
    const auto* row = std::lower_bound(std::begin(kRows), std::end(kRows), code,
                                       [](const Row& each, int wanted) { return static_cast<int>(each.code) < wanted; });
    return row != std::end(kRows) && static_cast<int>(row->code) == code ? row : nullptr;
}

class Category final : public boost::system::error_category {
public:
    const char* name() const noexcept override { return "flare"; }
    std::string message(int code) const override {
        const Row* row = find(code);
        return row != nullptr ? std::string(row->text) : "error " + std::to_string(code) + " of a newer version";
    }
    bool equivalent(int code, const boost::system::error_condition& condition) const noexcept override {
        if (condition.category() == flare_condition_category()) {
            const Row* row = find(code);
            return row != nullptr && static_cast<int>(row->condition) == condition.value() && condition.value() != 0;
        }
        return boost::system::error_category::equivalent(code, condition);
    }
};

class ConditionCategory final : public boost::system::error_category {
public:
    const char* name() const noexcept override { return "flare.condition"; }
    std::string message(int condition) const override {
        switch (static_cast<errcond>(condition)) {
            case errcond::retryable: return "may succeed later";
            case errcond::auth: return "credentials or rights";
            case errcond::protocol: return "a peer broke the protocol";
            case errcond::config: return "configuration";
        }
        return "unknown";
    }
};

}  // namespace

std::string_view name(errc code) noexcept {
    const Row* row = find(static_cast<int>(code));
    return row != nullptr ? row->name : "unknown";
}

std::string_view explain(errc code) noexcept {
    const Row* row = find(static_cast<int>(code));
    return row != nullptr ? row->text : "an error of a newer version";
}

const boost::system::error_category& flare_category() noexcept {
    static const Category category;
    return category;
}

const boost::system::error_category& flare_condition_category() noexcept {
    static const ConditionCategory category;
    return category;
}

boost::system::error_code make_error_code(errc code) noexcept { return {static_cast<int>(code), flare_category()}; }

boost::system::error_condition make_error_condition(errcond condition) noexcept {
    return {static_cast<int>(condition), flare_condition_category()};
}

}  // namespace flare
