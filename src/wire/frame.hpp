// The frames of the protocol as C++ values. Views point into the batch they were
// decoded from; `encode` functions make the bytes of a frame's body.
//
// Protocol: proto/flare/v1/frame.proto; docs/wire.md.
// Threads:  pure functions and values.
#pragma once

#include "base/utf8.hpp"
#include "model/position.hpp"

#include <flare/bytes.hpp>
#include <flare/error.hpp>
#include <flare/message.hpp>

#include <boost/container/static_vector.hpp>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace flare::wire {

using Seq = std::uint64_t;  // number of a frame in its lane and direction; 0: not numbered
using LaneIndex = std::uint32_t;

inline constexpr std::uint32_t kVersion = 1;
inline constexpr std::size_t kMaxLanes = 16;
inline constexpr std::size_t kMaxNameBytes = 256;     // user, device, type, target; longer is malformed_frame
inline constexpr std::size_t kMaxTokenBytes = 8192;   // longer is malformed_frame, too
inline constexpr std::size_t kMaxTicketBytes = 2048;  // three names and 1 KiB of claims
inline constexpr std::size_t kMaxSecretBytes = 64;
inline constexpr std::size_t kNonceBytes = 16;
inline constexpr std::size_t kMacBytes = 32;
inline constexpr std::size_t kChallengeBytes = 16;
inline constexpr std::size_t kSealNonceBytes = 32;
inline constexpr std::size_t kSealHandshakeBytes = 48;  // X25519 key and tag
inline constexpr std::size_t kSealKeyBytes = 32;
inline constexpr std::size_t kMaxCertificatesBytes = 32 * 1024;
inline constexpr std::size_t kMaxSignatureBytes = 1024;
inline constexpr std::size_t kMaxSealedBytes = 65'535;  // ciphertext with its tag: Noise, section 3
inline constexpr std::size_t kMaxDictionaryIdBytes = 64;
inline constexpr std::size_t kMaxTextBytes = 1024;         // text in refused, goodbye, receipt: cut when encoded
inline constexpr std::size_t kChunkThreshold = 64 * 1024;  // an encoded data body above this travels as chunks
inline constexpr std::size_t kChunkBytes = 16 * 1024;
inline constexpr std::size_t kMaxFrameBytes = 128 * 1024;
inline constexpr std::size_t kMaxBatchBytes = 1024 * 1024;
inline constexpr std::size_t kMaxRequestBytes = 256 * 1024;  // of a request's body
inline constexpr std::size_t kMaxResponseBytes =
    (1024 + 64) * 1024;                                          // of a response's: the largest entry and its names
inline constexpr std::size_t kMaxFeedBytes = kMaxResponseBytes;  // of a feed
inline constexpr std::size_t kMaxOpenRequests = 8;               // of a session, that have no response yet
inline constexpr std::uint64_t kDefaultMaxMessageBytes = 16ull * 1024 * 1024;

// Can it be a user, device, type or target?
inline bool is_name(std::string_view text) noexcept { return text.size() <= kMaxNameBytes && base::is_utf8(text); }

// A time that a peer wrote. What no clock here can show becomes the nearest that it can.
inline std::chrono::system_clock::time_point to_time(std::int64_t unix_ms) noexcept {
    using Clock = std::chrono::system_clock;
    constexpr std::int64_t kFar = std::chrono::duration_cast<std::chrono::milliseconds>(Clock::duration::max()).count();
    return Clock::time_point(std::chrono::milliseconds(unix_ms > kFar ? kFar : unix_ms < -kFar ? -kFar : unix_ms));
}

// A bit of Welcome.capabilities: the ticket stands for the credential when the server has been started again.
inline constexpr std::uint64_t kLastingTicket = 8;
// Bits of Hello.capabilities and Welcome.capabilities.
inline constexpr std::uint64_t kCapabilityZstd = 1;
inline constexpr std::uint64_t kCapabilityGzip = 2;
inline constexpr std::uint64_t kCapabilityConversations = 16;

// Field numbers of the oneof in flare.v1.Frame.
enum class FrameKind : std::uint8_t {
    none = 0,  // acks only
    hello = 10,
    welcome = 11,
    refused = 12,
    activate = 13,
    goodbye = 14,
    ping = 15,
    pong = 16,
    data = 17,
    chunk = 18,
    receipt = 19,
    sealed = 20,
    credential = 21,
    credential_state = 22,
    seal = 23,
    request = 24,
    response = 25,
    feed = 26,
    notice = 100,  // a hint: docs/protocol.md, "Extensions"
};
constexpr bool is_numbered(FrameKind kind) noexcept {
    return (kind >= FrameKind::data && kind <= FrameKind::receipt) ||
           (kind >= FrameKind::request && kind <= FrameKind::feed);
}

struct LaneState {
    LaneIndex lane = 0;
    Seq received = 0;
    Seq max_seq = 0;
    std::uint64_t max_bytes = 0;
    bool operator==(const LaneState&) const = default;
};
using LaneStates = boost::container::static_vector<LaneState, kMaxLanes>;

struct FrameHeader {
    LaneIndex lane = 0;
    Seq seq = 0;
    LaneStates acks;
    std::uint32_t feed_id = 0;  // of a feed, or the first chunk of one: the number that subscribing has given; 0: none
};

// A decoded frame. `body` is the content of the oneof field, still encoded: decode it by kind.
// A kind that this version had to know is kept as FrameKind::none with `unknown_kind` set; a hint is just none.
struct FrameView {
    LaneIndex lane = 0;
    Seq seq = 0;
    FrameKind kind = FrameKind::none;
    bool unknown_kind = false;
    std::string_view body;
    LaneStates acks;
    std::uint32_t feed_id = 0;  // as in FrameHeader
};

struct Resume {
    std::string ticket;
    std::string nonce;  // kNonceBytes
    std::string mac;    // kMacBytes
};

struct Hello {
    std::uint32_t version = kVersion;
    std::string user;
    std::string device;
    Platform platform = Platform::unknown;
    std::string token;
    Uuid attempt_id;
    std::uint64_t epoch = 0;
    std::optional<Resume> resume;
    LaneStates received;
    std::uint64_t capabilities = 0;
    std::uint32_t lanes = 0;
    std::uint64_t max_message_bytes = 0;
    std::string dictionary;
    std::string ticket_proof;  // kMacBytes, or empty
};

struct Limits {
    std::uint64_t max_message_bytes = kDefaultMaxMessageBytes;
    std::uint32_t max_frame_bytes = kMaxFrameBytes;
    std::uint32_t max_batch_bytes = kMaxBatchBytes;
    std::uint32_t max_unacked_frames = 10'000;
    std::uint64_t max_unacked_bytes = 4ull * 1024 * 1024;
    // What the server acts on of one session; 0: as much as comes. A burst may come at once.
    std::uint32_t max_messages_per_second = 0;
    std::uint32_t message_burst = 0;
    std::uint64_t max_bytes_per_second = 0;  // of payloads
    std::uint64_t byte_burst = 0;
    bool operator==(const Limits&) const = default;
};

// Of a server that has a store.
struct Storing {
    Durability durability = Durability::none;
    std::uint32_t max_bytes = 0;
    std::uint32_t per_second = 0;
    std::uint32_t burst = 0;
    bool operator==(const Storing&) const = default;
};

enum class Outcome : std::uint8_t { created = 0, resumed = 1 };

struct Welcome {
    Uuid session_id;
    std::uint32_t home_worker = 0;
    std::string ticket;
    std::string secret;
    std::uint64_t capabilities = 0;
    std::uint32_t lanes = 4;
    std::uint32_t heartbeat_interval_ms = 0;
    std::uint32_t heartbeat_timeout_ms = 0;
    std::uint32_t max_ack_delay_ms = 0;
    Limits limits;
    LaneStates received;
    Outcome outcome = Outcome::created;
    std::uint32_t session_life_ms = 0;
    std::string user;
    std::string dictionary;
    std::optional<Storing> store;
};

struct LaneGap {
    LaneIndex lane = 0;
    Seq server_received = 0;
    Seq server_sent = 0;
    bool operator==(const LaneGap&) const = default;
};
using LaneGaps = boost::container::static_vector<LaneGap, kMaxLanes>;

struct Refused {
    errc code = errc::internal;
    std::string text;
    std::uint32_t retry_after_ms = 0;
    std::optional<LaneGaps> gap;
    std::string challenge;  // kChallengeBytes, or empty
};

struct Activate {
    std::uint64_t epoch = 0;
};

struct Goodbye {
    errc code = errc::ok;
    std::string text;
    LaneStates final;  // only lane and received are used
    std::uint32_t retry_after_ms = 0;
    bool session_ends = false;
};

struct Ping {
    std::uint64_t id = 0;
    std::string_view padding;
};

struct CredentialView {
    std::string_view token;
};

struct CredentialState {
    errc code = errc::ok;
    std::string text;
    std::uint64_t expires_in_ms = 0;  // 0: never
    bool answer = false;              // to a Credential; else the server says it unasked
};

// One side's word before a carrier is sealed. Lengths are at most those above, or none.
struct Seal {
    std::string nonce;
    std::string handshake;
    std::string key;
    std::string certificates;
    std::string signature;
};

struct SealedView {
    std::uint64_t nonce = 0;
    std::string_view ciphertext;
};
// How a payload is compressed. A later version's is `unknown`: what it means cannot be guessed.
enum class Encoding : std::uint8_t { none = 0, zstd = 1, gzip = 2, zstd_dictionary = 3, unknown = 255 };

struct MessageView {
    Uuid id;
    std::string_view type;
    std::string_view payload;  // as it travels
    std::int64_t timestamp_ms = 0;
    std::string_view to;
    Encoding encoding = Encoding::none;
    std::uint64_t size = 0;    // with an encoding: of the payload when it is inflated
    std::string_view about{};  // an encoded About (about.hpp); empty: it says nothing beside its payload
};

enum class ReceiptStatus : std::uint8_t {
    unspecified = 0,
    handled = 1,
    delivered = 2,
    buffered = 3,
    stored = 4,
    refused = 5,
};

// What a store has made of a message: its place in the log of its conversation, and the time of that entry. Offset 0:
// nobody said.
struct StoredAt {
    model::Position position;
    std::int64_t time_ms = 0;  // Unix time

    bool said() const noexcept { return position.offset != 0; }
    bool operator==(const StoredAt&) const = default;
};

struct ReceiptView {
    Uuid message_id;
    ReceiptStatus status = ReceiptStatus::unspecified;
    errc code = errc::ok;
    std::string_view text;
    std::uint32_t retry_after_ms = 0;
    StoredAt stored{};  // only with the status `stored`, and only towards peers with kCapabilityConversations
};

struct DataView {
    std::string_view from;
    std::string_view message_raw;        // the encoded Message; empty: none
    std::optional<MessageView> message;  // the same, decoded
    std::optional<ReceiptView> receipt;
    std::uint64_t first_sent_ms_ago = 0;
    std::int64_t server_time_ms = 0;  // 0: nobody said
};

struct ChunkView {
    std::uint64_t total = 0;  // 0: not the first piece
    std::string_view part;
    std::uint32_t kind = 0;  // of the first piece: the number of the FrameKind that it begins; 0: data
};

// What a Request asks for. One of a later version is `unspecified`.
enum class Verb : std::uint8_t {
    unspecified = 0,
    conversation_create = 1,
    conversation_get = 2,
    conversation_join = 3,
    conversation_leave = 4,
    member_add = 5,
    member_remove = 6,
    member_list = 7,
    history = 8,
    subscribe = 9,
    unsubscribe = 10,
    sync = 11,
    read_mark = 12,  // an offset that only grows: again is as once
    message_edit = 13,
    message_delete = 14,
    message_react = 15,
    message_unreact = 16,
    conversation_update = 17,
    conversation_delete = 18,
    member_role = 19,
    member_mute = 20,
    member_ban = 21,
    user_block = 22,
    user_unblock = 23,
    readers = 24,
    read_unmark = 25,  // as read_mark: the last one counts
    typing = 26,
    presence_set = 27,
    presence_subscribe = 28,
    presence_unsubscribe = 29,
    presence_get = 30,
    occupancy_get = 31,
    push_register = 32,  // the last one of a device counts
    push_unregister = 33,
    ban_list = 34,
    block_list = 35,
    conversation_clear = 36,  // an offset that only grows
    conversation_set = 37,    // the last one counts
    member_invite = 38,
    invite_list = 39,
};
inline constexpr Verb kLastVerb = Verb::invite_list;
// It changes something, once, under the id of its request; the others only read.
constexpr bool writes(Verb verb) noexcept {
    return verb == Verb::conversation_create || verb == Verb::conversation_join || verb == Verb::conversation_leave ||
           verb == Verb::member_add || verb == Verb::member_remove || verb == Verb::member_invite ||
           (verb >= Verb::message_edit && verb <= Verb::user_unblock);
}

struct RequestView {
    Uuid id;
    Verb verb = Verb::unspecified;
    std::string_view body;
    std::uint64_t first_sent_ms_ago = 0;
};

struct ResponseView {
    Uuid id;  // of the request
    errc code = errc::ok;
    std::string_view text;
    std::uint32_t retry_after_ms = 0;
    std::string_view body;
    bool more = false;  // further ones follow
};

// Body decoders: `body` as in FrameView. Errors: malformed_frame. Nothing is copied into views;
// lengths over the limits above are malformed_frame. Unknown fields are skipped.
Result<Hello> decode_hello(std::string_view body);
Result<Welcome> decode_welcome(std::string_view body);
Result<Refused> decode_refused(std::string_view body);
Result<Activate> decode_activate(std::string_view body);
Result<Goodbye> decode_goodbye(std::string_view body);
Result<Ping> decode_ping(std::string_view body);
Result<CredentialView> decode_credential(std::string_view body);
Result<CredentialState> decode_credential_state(std::string_view body);
Result<Seal> decode_seal(std::string_view body);
Result<SealedView> decode_sealed(std::string_view body);
Result<DataView> decode_data(std::string_view body);
// The same into a `data` that was just made, without moving one; ok or why not.
errc read_data(std::string_view body, DataView& data) noexcept;
Result<MessageView> decode_message(std::string_view message);  // an encoded Message
Result<ChunkView> decode_chunk(std::string_view body);
Result<ReceiptView> decode_receipt(std::string_view body);
Result<RequestView> decode_request(std::string_view body);
Result<ResponseView> decode_response(std::string_view body);

// An encoded frame body: the whole oneof field, tag and length included, ready to stand behind a
// frame header. Shared by every session that sends it.
struct Body {
    FrameKind kind = FrameKind::none;
    Bytes bytes;                       // tag, length, content
    std::uint32_t content_offset = 0;  // where the content starts in `bytes`
    std::uint32_t feed_id = 0;         // of a feed: as in FrameHeader, so that subscribers share the bytes
    std::uint64_t cost = 0;            // what it takes of a lane's byte credit: payload, body; 0 for receipts
    std::string_view content() const noexcept { return bytes.view().substr(content_offset); }
};

Body encode(const Hello& hello);
Body encode(const Welcome& welcome);
Body encode(const Refused& refused);
Body encode(const Activate& activate);
Body encode(const Goodbye& goodbye);
Body encode_ping(const Ping& ping);
Body encode_pong(const Ping& ping);
Body encode(const CredentialView& credential);
Body encode(const CredentialState& state);
Body encode(const Seal& seal);
Body encode(const ReceiptView& receipt);
// cost = the length of their body.
Body encode(const RequestView& request);
Body encode(const ResponseView& response);

// The bytes of a flare.v1.Message.
Bytes encode_message(const MessageView& message);
// The encoded Message `raw`, which a decoder has accepted, with another payload: all else in it stays, fields of later
// versions too.
std::string with_payload(std::string_view raw, std::string_view payload, Encoding encoding, std::uint64_t size);
// Data: uses from, receipt, first_sent_ms_ago, server_time_ms, and either message_raw (copied as it is, when not empty)
// or message. One allocation. cost = the message's payload size.
Body encode(const DataView& data);

}  // namespace flare::wire
