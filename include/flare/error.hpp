// Every error that Flare reports, with its number on the wire.
//
// Protocol: docs/errors.md has one row per code, with its meaning and what to do.
// Threads:  any.
#pragma once

#include <flare/export.hpp>

#include <boost/system/error_code.hpp>
#include <boost/system/result.hpp>

#include <cstdint>
#include <string_view>
#include <type_traits>

namespace flare {

// Numbers are stable: they go on the wire and into logs. Never renumber; append inside a group.
enum class errc : std::uint16_t {
    ok = 0,

    // 100: the peer broke the protocol
    malformed_frame = 100,
    unsupported_version = 101,
    frame_too_large = 102,
    batch_too_large = 103,
    unexpected_frame = 104,
    sequence_gap = 105,
    bad_ack = 106,
    credit_exceeded = 107,
    unknown_lane = 108,
    text_on_binary = 109,
    binary_on_text = 110,
    hello_timeout = 111,
    invalid_utf8 = 112,
    websocket_violation = 113,
    bad_upgrade = 114,
    subprotocol_missing = 115,
    malformed_json = 116,
    bad_chunk = 117,

    // 200: authentication and sessions
    unauthenticated = 200,
    token_expired = 201,
    user_mismatch = 202,
    forbidden = 203,
    reserved_name = 204,
    session_unknown = 205,
    session_expired = 206,
    ticket_invalid = 207,
    resume_proof_invalid = 208,
    stale_carrier = 209,
    session_replaced = 210,
    session_ended = 211,
    encryption_unavailable = 212,
    compression_unavailable = 213,
    kicked = 214,
    credential_revoked = 215,
    claims_too_large = 216,
    server_key_mismatch = 220,

    // 300: limits
    message_too_large = 300,
    outbox_full = 301,
    too_many_connections = 302,
    too_many_per_address = 303,
    busy = 304,
    slow_consumer = 305,
    send_window_full = 306,
    rate_limited = 307,
    probe_limit = 308,
    storage_full = 309,
    storage_failed = 310,

    // 400: outcome of a message
    user_offline = 400,
    unknown_target = 401,
    handler_failed = 402,
    recipient_busy = 403,
    too_old = 404,
    outcome_unknown = 405,
    invalid_message_id = 406,
    duplicate_message_id = 407,
    cancelled = 408,
    bad_compression = 409,
    invalid_name = 410,

    // 500: reaching the other side
    not_connected = 500,
    connection_refused = 501,
    connect_timeout = 502,
    connection_lost = 503,
    heartbeat_timeout = 504,
    closed_by_peer = 505,
    host_not_found = 506,
    tls_failed = 507,
    certificate_rejected = 508,
    protocol_unavailable = 509,
    would_deadlock = 510,
    client_closed = 511,
    shutting_down = 512,
    network_unreachable = 513,
    reconnect_failed = 514,
    already_connected = 515,
    seal_broken = 520,

    // 600: configuration and this machine
    invalid_config = 600,
    address_in_use = 601,
    address_unavailable = 602,
    file_not_found = 603,
    file_unreadable = 604,
    certificate_invalid = 605,
    certificate_expired = 606,
    certificate_key_mismatch = 607,
    not_supported = 608,
    permission_denied = 609,
    out_of_files = 610,
    internal = 611,
    file_unwritable = 612,
    store_in_use = 613,
    store_too_new = 614,
    store_damaged = 615,
    cache_in_use = 616,
    cache_of_another_user = 617,
    cache_damaged = 618,
    cache_failed = 619,

    // 700: conversations
    unknown_conversation = 700,
    conversation_exists = 701,
    muted = 702,
    banned = 703,
    conversation_frozen = 704,
    too_many_members = 705,
    too_many_conversations = 706,
    history_pruned = 707,
    too_many_feeds = 708,
    epoch_changed = 709,
    too_many_edits = 710,
    too_many_reactions = 711,
    unknown_entry = 712,
    too_many_subscriptions = 713,
    unknown_hook = 714,
};

// Coarse conditions: callers test these few, logs keep the exact code.
enum class errcond : std::uint8_t {
    retryable = 1,  // the same call may succeed later
    auth = 2,       // credentials or permissions are missing: ask the user, do not retry
    protocol = 3,   // a peer broke the protocol: a bug on one side
    config = 4,     // the caller's configuration
};

// The stable short name ("user_offline"), as in docs/errors.md; "unknown" for a number from a newer peer.
FLARE_EXPORT std::string_view name(errc code) noexcept;
// One sentence that says what is wrong and what to do.
FLARE_EXPORT std::string_view explain(errc code) noexcept;

FLARE_EXPORT const boost::system::error_category& flare_category() noexcept;
FLARE_EXPORT const boost::system::error_category& flare_condition_category() noexcept;
FLARE_EXPORT boost::system::error_code make_error_code(errc code) noexcept;
FLARE_EXPORT boost::system::error_condition make_error_condition(errcond condition) noexcept;

template <typename T = void>
using Result = boost::system::result<T>;

}  // namespace flare

namespace boost::system {
template <>
struct is_error_code_enum<flare::errc> : std::true_type {};
template <>
struct is_error_condition_enum<flare::errcond> : std::true_type {};
}  // namespace boost::system
