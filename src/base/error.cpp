// One table for everything that is said about an error code; docs/errors.md shows the same rows.
#include <flare/error.hpp>

#include <algorithm>
#include <iterator>
#include <string>

namespace flare {
namespace {

// A code that is none of the conditions: the call was wrong, or its outcome is final.
constexpr auto kFinal = static_cast<errcond>(0);
constexpr auto kRetry = errcond::retryable;
constexpr auto kAuth = errcond::auth;
constexpr auto kProtocol = errcond::protocol;
constexpr auto kConfig = errcond::config;

struct Row {
    errc code;
    errcond condition;
    std::string_view name;
    std::string_view text;  // what is wrong; what to do
};

// Sorted by number. Each text has exactly one "; ": docs/errors.md puts the halves into two columns.
constexpr Row kRows[] = {
    {errc::ok, kFinal, "ok", "success; nothing to do"},

    {errc::malformed_frame, kProtocol, "malformed_frame",
     "a frame cannot be decoded or breaks a limit of its fields; compare the sender with docs/wire.md"},
    {errc::unsupported_version, kProtocol, "unsupported_version",
     "the peer speaks a different version of the protocol; update the older side"},
    {errc::frame_too_large, kProtocol, "frame_too_large",
     "a frame exceeds the limit in Welcome; send large messages in chunks"},
    {errc::batch_too_large, kProtocol, "batch_too_large",
     "a batch exceeds the limit in Welcome; split its frames over several batches"},
    {errc::unexpected_frame, kProtocol, "unexpected_frame",
     "a frame arrived that the current state does not allow; compare the sender with the state tables in "
     "docs/protocol.md"},
    {errc::sequence_gap, kProtocol, "sequence_gap",
     "a sequence number is missing in a lane of this carrier; attach a new carrier, which replays the missing frames"},
    {errc::bad_ack, kProtocol, "bad_ack",
     "an acknowledgement names a sequence number that was never sent; fix the peer's per-lane counting"},
    {errc::credit_exceeded, kProtocol, "credit_exceeded",
     "the peer sent more than its credit allows; make it wait for new credit"},
    {errc::unknown_lane, kProtocol, "unknown_lane",
     "a frame names a lane that the session does not have; use lanes below the number agreed in Welcome"},
    {errc::text_on_binary, kProtocol, "text_on_binary",
     "a text message arrived on the binary subprotocol flare.v1; request flare.v1.json to speak JSON"},
    {errc::binary_on_text, kProtocol, "binary_on_text",
     "a binary message arrived on the JSON subprotocol flare.v1.json; request flare.v1 to speak protobuf"},
    {errc::hello_timeout, kProtocol, "hello_timeout",
     "no Hello arrived on the connection in time; send Hello first and at once"},
    {errc::invalid_utf8, kProtocol, "invalid_utf8",
     "a text field or a text message is not valid UTF-8; put arbitrary bytes into the payload"},
    {errc::websocket_violation, kProtocol, "websocket_violation",
     "the peer violated the WebSocket protocol (RFC 6455); see this side's log for the reason"},
    {errc::bad_upgrade, kProtocol, "bad_upgrade",
     "the HTTP upgrade to WebSocket failed; check that URL, port and path lead to a Flare server"},
    {errc::subprotocol_missing, kProtocol, "subprotocol_missing",
     "client and server have no subprotocol in common; offer flare.v1 or flare.v1.json"},
    {errc::malformed_json, kProtocol, "malformed_json",
     "a text message is not a frame in JSON; fix the field that the error text names"},
    {errc::bad_chunk, kProtocol, "bad_chunk",
     "the chunks of a large message do not fit together; send them in order, with no other messages of the lane in "
     "between"},

    {errc::unauthenticated, kAuth, "unauthenticated", "the token is missing or was rejected; sign in again"},
    {errc::token_expired, kAuth, "token_expired", "the token has expired; get a new one"},
    {errc::user_mismatch, kAuth, "user_mismatch",
     "the credential belongs to a different user than Hello names; connect as the credential's user"},
    {errc::forbidden, kAuth, "forbidden", "the server's rules do not allow this; ask the server's operator"},
    {errc::reserved_name, kAuth, "reserved_name",
     "the user id is reserved (\"server\", or begins with \"room:\"); choose another one"},
    {errc::session_unknown, kRetry, "session_unknown",
     "the server does not know the session, perhaps because it was restarted; send Hello for a new session"},
    {errc::session_expired, kRetry, "session_expired",
     "the session had no carrier for longer than its lifetime; send Hello for a new session"},
    {errc::ticket_invalid, kRetry, "ticket_invalid",
     "the resume ticket is damaged or has been replaced; use the latest one, or send Hello for a new session"},
    {errc::resume_proof_invalid, kAuth, "resume_proof_invalid",
     "the resume proof does not match the session's secret; sign in again for a new session"},
    {errc::stale_carrier, kRetry, "stale_carrier",
     "a newer connection of the same session has taken over; use that one, or attach with a higher epoch"},
    {errc::session_replaced, kAuth, "session_replaced",
     "the same user and device connected elsewhere; give each device its own device id"},
    {errc::session_ended, kRetry, "session_ended", "the session has ended; send Hello for a new session"},
    {errc::encryption_unavailable, kConfig, "encryption_unavailable",
     "encryption is required, but the peer does not offer it; enable it on both sides"},
    {errc::compression_unavailable, kConfig, "compression_unavailable",
     "the peer used a compression that was not negotiated; use only what Welcome lists"},
    {errc::kicked, kAuth, "kicked", "the server's application ended the session; ask the server's operator"},
    {errc::credential_revoked, kAuth, "credential_revoked",
     "the user or the token has been revoked; sign in again, or ask the server's operator"},
    {errc::claims_too_large, kAuth, "claims_too_large",
     "the claims of the credential exceed 4 KiB; have one issued with fewer claims"},
    {errc::server_key_mismatch, kConfig, "server_key_mismatch",
     "the peer does not have the sealing key that this client expects, or is not the server at all; compare server_key "
     "with the server's sealing_public_key()"},

    {errc::message_too_large, kFinal, "message_too_large",
     "the message exceeds the negotiated limit; send a shorter one, or raise max_message_bytes on both sides"},
    {errc::outbox_full, kRetry, "outbox_full",
     "too many messages are waiting for receipts; wait for some before sending more"},
    {errc::too_many_connections, kRetry, "too_many_connections",
     "the server has reached its connection limit; retry later, or raise max_connections"},
    {errc::too_many_per_address, kRetry, "too_many_per_address",
     "too many connections from this address; close some, or raise the server's limit per address"},
    {errc::busy, kRetry, "busy", "the server has no capacity for this at the moment; retry after retry_after"},
    {errc::slow_consumer, kRetry, "slow_consumer",
     "the receiver did not read its data in time; make its handlers faster and connect again"},
    {errc::send_window_full, kRetry, "send_window_full",
     "too many frames are unacknowledged; wait for acknowledgements"},
    {errc::rate_limited, kRetry, "rate_limited", "a rate limit was exceeded; retry after retry_after"},
    {errc::probe_limit, kRetry, "probe_limit", "the client sends more probes than the server allows; probe less often"},
    {errc::storage_full, kRetry, "storage_full",
     "the disk of the server has no room for more messages; free space there: the message stays in the outbox"},
    {errc::storage_failed, kRetry, "storage_failed",
     "the server could not write to its disk; see its log: the message stays in the outbox"},

    {errc::user_offline, kRetry, "user_offline",
     "the recipient has no session on this server; send again when the user is back"},
    {errc::unknown_target, kFinal, "unknown_target",
     "the target is neither a user, a room nor the server; correct the message's to field"},
    {errc::handler_failed, kFinal, "handler_failed",
     "the server's handler threw or reported a failure; check the server's log"},
    {errc::recipient_busy, kRetry, "recipient_busy", "too much is already queued for the recipient; send again later"},
    {errc::too_old, kFinal, "too_old",
     "the message is a repeat, older than the server's deduplication memory; ask the recipient before sending it "
     "again"},
    {errc::outcome_unknown, kFinal, "outcome_unknown",
     "it is unknown whether the message was processed; send it again with the same id if processing it twice does no "
     "harm"},
    {errc::invalid_message_id, kFinal, "invalid_message_id",
     "the message id is nil or not 16 bytes; give each message its own UUID"},
    {errc::duplicate_message_id, kFinal, "duplicate_message_id",
     "another message with this id is in flight; give each message its own UUID"},
    {errc::cancelled, kFinal, "cancelled", "the operation was cancelled before it finished; start it again if needed"},
    {errc::bad_compression, kProtocol, "bad_compression",
     "a compressed payload is damaged or does not inflate to the size it declares; fix the program that compressed it"},
    {errc::invalid_name, kFinal, "invalid_name",
     "a type, sender, target, room or title is too long, not UTF-8, or not allowed; correct it as the text says, and "
     "put arbitrary bytes into the payload"},

    {errc::not_connected, kRetry, "not_connected", "there is no connection; call connect() first"},
    {errc::connection_refused, kRetry, "connection_refused",
     "nothing listens at this address; check that the server is running and that the port is right"},
    {errc::connect_timeout, kRetry, "connect_timeout",
     "no answer within the connect time-out; check the address and the firewalls on the path"},
    {errc::connection_lost, kRetry, "connection_lost", "the connection broke; the client reconnects by itself"},
    {errc::heartbeat_timeout, kRetry, "heartbeat_timeout",
     "nothing arrived from the peer within the heartbeat time-out; the client reconnects by itself"},
    {errc::closed_by_peer, kRetry, "closed_by_peer", "the peer closed the connection; connect again"},
    {errc::host_not_found, kRetry, "host_not_found",
     "the host name cannot be resolved; check its spelling and the DNS server"},
    {errc::tls_failed, kRetry, "tls_failed",
     "the TLS handshake failed; check that the port speaks TLS and that both sides share a TLS version"},
    {errc::certificate_rejected, kConfig, "certificate_rejected",
     "the peer's certificate is not trusted; set the right ca_file and server_name"},
    {errc::protocol_unavailable, kRetry, "protocol_unavailable",
     "the server does not offer this transport; use another one"},
    {errc::would_deadlock, kFinal, "would_deadlock",
     "a blocking call was made on the thread that must do the work; use the coroutine form there"},
    {errc::client_closed, kFinal, "client_closed", "the client has been closed; make a new one"},
    {errc::shutting_down, kRetry, "shutting_down", "the other side is shutting down; reconnect after retry_after"},
    {errc::network_unreachable, kRetry, "network_unreachable",
     "this machine has no route to the address; check its network"},
    {errc::reconnect_failed, kRetry, "reconnect_failed",
     "every allowed reconnect attempt failed; call connect() when the server is reachable again"},
    {errc::already_connected, kFinal, "already_connected",
     "the client is already connected or connecting; use that connection"},
    {errc::seal_broken, kRetry, "seal_broken",
     "data on a sealed connection was changed, repeated, dropped or reordered in transit; the client reconnects by "
     "itself"},

    {errc::invalid_config, kConfig, "invalid_config",
     "the configuration contradicts itself or a value is out of range; fix what the error text names"},
    {errc::address_in_use, kConfig, "address_in_use",
     "another process listens on this address; stop it or choose another port"},
    {errc::address_unavailable, kConfig, "address_unavailable",
     "this machine does not have the address; listen on one that it has"},
    {errc::file_not_found, kConfig, "file_not_found", "the file does not exist; correct its path"},
    {errc::file_unreadable, kConfig, "file_unreadable", "the file cannot be read; check its permissions"},
    {errc::certificate_invalid, kConfig, "certificate_invalid",
     "the file holds no usable PEM certificate or key; make a new one"},
    {errc::certificate_expired, kConfig, "certificate_expired",
     "the certificate has expired or is not valid yet; renew it and check the clock"},
    {errc::certificate_key_mismatch, kConfig, "certificate_key_mismatch",
     "the private key does not belong to the certificate; use a matching pair"},
    {errc::not_supported, kConfig, "not_supported",
     "this build or version does not support it; omit the option, or update"},
    {errc::permission_denied, kConfig, "permission_denied",
     "the system does not permit it; change the permissions, or use a port of 1024 or above"},
    {errc::out_of_files, kRetry, "out_of_files", "the process has no file descriptors left; raise its open-file limit"},
    {errc::internal, kFinal, "internal", "internal error in Flare; report it with the log"},
    {errc::file_unwritable, kConfig, "file_unwritable",
     "the file cannot be written; check its permissions and the free disk space"},
    {errc::store_in_use, kConfig, "store_in_use",
     "another process uses the store; stop it, or give this one a file of its own"},
    {errc::store_too_new, kConfig, "store_too_new",
     "the store was written by a newer version; update this one, or restore a backup"},
    {errc::store_damaged, kConfig, "store_damaged",
     "the store is damaged; run flare store check, and restore a backup"},
    {errc::cache_in_use, kConfig, "cache_in_use",
     "another client uses the cache file; give each client a file of its own"},
    {errc::cache_of_another_user, kConfig, "cache_of_another_user",
     "the cache file belongs to another user; give each user a file of their own, or delete it"},
    {errc::cache_damaged, kConfig, "cache_damaged",
     "the cache file cannot be read; it was set aside, and a new one is filled from the server"},
    {errc::cache_failed, kConfig, "cache_failed",
     "the cache file cannot be written; see that its disk has room and works"},

    {errc::unknown_conversation, kFinal, "unknown_conversation",
     "there is no such conversation, or the user is not a member of it; correct its name, or join it"},
    {errc::conversation_exists, kFinal, "conversation_exists",
     "there is a conversation of this name already; join it, or choose another name"},
    {errc::muted, kFinal, "muted",
     "the sender may not write in this conversation at present; wait, or ask a moderator"},
    {errc::banned, kFinal, "banned", "the user is banned from this conversation; ask a moderator"},
    {errc::conversation_frozen, kFinal, "conversation_frozen",
     "nobody writes in this conversation at present; wait until it is opened again"},
    {errc::too_many_members, kFinal, "too_many_members",
     "the conversation has as many members as it may have; remove some, or raise the limit"},
    {errc::too_many_conversations, kRetry, "too_many_conversations",
     "the user has as many conversations, or began as many in this hour, as allowed; leave some, or wait"},
    {errc::history_pruned, kFinal, "history_pruned",
     "what was asked for has been deleted, or removed by the rules of retention; use what is still there"},
    {errc::too_many_feeds, kFinal, "too_many_feeds",
     "the session has as many live conversations as it may have; unsubscribe from one"},
    {errc::epoch_changed, kFinal, "epoch_changed",
     "the position is of an earlier log of the conversation; ask for its present end, and use that"},
    {errc::too_many_edits, kFinal, "too_many_edits",
     "the message has been edited as often as a message may be; send another one"},
    {errc::too_many_reactions, kFinal, "too_many_reactions",
     "the message has as many reactions as it may have, or as many of yours; take one of yours back, or give one that "
     "is there"},
    {errc::unknown_entry, kFinal, "unknown_entry",
     "the log of the conversation has no such entry yet, or it is no message; correct the offset"},
    {errc::too_many_subscriptions, kFinal, "too_many_subscriptions",
     "the session follows the presence of as many users as it may; unsubscribe from some, or name fewer"},
    {errc::unknown_hook, kFinal, "unknown_hook",
     "the server has no hook of this name that is told what happens; correct the name"},
};

constexpr std::string_view kUnknownName = "unknown";
constexpr std::string_view kUnknownText = "the code is from a newer version; update this side to learn more";

static_assert(std::is_sorted(std::begin(kRows), std::end(kRows),
                             [](const Row& a, const Row& b) { return a.code < b.code; }),
              "the table is searched by halves");

const Row* find(int code) noexcept {
    const auto* row = std::lower_bound(std::begin(kRows), std::end(kRows), code, [](const Row& each, int wanted) {
        return static_cast<int>(each.code) < wanted;
    });
    return row != std::end(kRows) && static_cast<int>(row->code) == code ? row : nullptr;
}

class Category final : public boost::system::error_category {
public:
    constexpr Category() noexcept : error_category(0x8f1a2e0c5d3b4791ull) {}
    const char* name() const noexcept override { return "flare"; }
    std::string message(int code) const override {
        const Row* row = find(code);
        return std::string(row != nullptr ? row->text : kUnknownText);
    }
    bool equivalent(int code, const boost::system::error_condition& condition) const noexcept override {
        if (condition.category() != flare_condition_category()) return error_category::equivalent(code, condition);
        const Row* row = find(code);
        return row != nullptr && row->condition != kFinal && static_cast<int>(row->condition) == condition.value();
    }
};

class ConditionCategory final : public boost::system::error_category {
public:
    constexpr ConditionCategory() noexcept : error_category(0x8f1a2e0c5d3b4792ull) {}
    const char* name() const noexcept override { return "flare.condition"; }
    std::string message(int condition) const override {
        switch (static_cast<errcond>(condition)) {
            case errcond::retryable: return "the same call may succeed later";
            case errcond::auth: return "credentials or permissions are missing";
            case errcond::protocol: return "a peer broke the protocol";
            case errcond::config: return "the configuration is wrong";
        }
        return "unknown condition";
    }
};

}  // namespace

std::string_view name(errc code) noexcept {
    const Row* row = find(static_cast<int>(code));
    return row != nullptr ? row->name : kUnknownName;
}

std::string_view explain(errc code) noexcept {
    const Row* row = find(static_cast<int>(code));
    return row != nullptr ? row->text : kUnknownText;
}

// Constants, so that codes may be used while static objects are made and destroyed.
const boost::system::error_category& flare_category() noexcept {
    static constexpr Category category;
    return category;
}

const boost::system::error_category& flare_condition_category() noexcept {
    static constexpr ConditionCategory category;
    return category;
}

boost::system::error_code make_error_code(errc code) noexcept { return {static_cast<int>(code), flare_category()}; }

boost::system::error_condition make_error_condition(errcond condition) noexcept {
    return {static_cast<int>(condition), flare_condition_category()};
}

}  // namespace flare
