// The control frames, requests and responses as tables: one field a line, as in proto/flare/v1/frame.proto. A field is
// added here, in frame.proto and in frame.hpp (CONTRIBUTING.md, "A new field of the protocol").
//
// Protocol: docs/wire.md, "Bodies of a carrier", "Request", "Response".
// Threads:  constants.
#pragma once

#include "wire/frame.hpp"
#include "wire/lines.hpp"

#include <functional>
#include <string_view>
#include <tuple>

namespace flare::wire {

inline constexpr std::string_view kPlatforms[] = {"PLATFORM_UNKNOWN", "PLATFORM_ANDROID", "PLATFORM_IOS",
                                                  "PLATFORM_WEB",     "PLATFORM_DESKTOP", "PLATFORM_SERVER"};
inline constexpr std::string_view kDurabilities[] = {"DURABILITY_NONE", "DURABILITY_MEMORY", "DURABILITY_COMMIT"};
inline constexpr std::string_view kOutcomes[] = {"OUTCOME_NEW", "OUTCOME_RESUMED"};
inline constexpr std::string_view kEncodings[] = {"ENCODING_NONE", "ENCODING_ZSTD", "ENCODING_GZIP",
                                                  "ENCODING_ZSTD_DICTIONARY"};
inline constexpr std::string_view kVerbs[] = {"VERB_UNSPECIFIED",
                                              "VERB_CONVERSATION_CREATE",
                                              "VERB_CONVERSATION_GET",
                                              "VERB_CONVERSATION_JOIN",
                                              "VERB_CONVERSATION_LEAVE",
                                              "VERB_MEMBER_ADD",
                                              "VERB_MEMBER_REMOVE",
                                              "VERB_MEMBER_LIST",
                                              "VERB_HISTORY",
                                              "VERB_SUBSCRIBE",
                                              "VERB_UNSUBSCRIBE",
                                              "VERB_SYNC",
                                              "VERB_READ_MARK",
                                              "VERB_MESSAGE_EDIT",
                                              "VERB_MESSAGE_DELETE",
                                              "VERB_MESSAGE_REACT",
                                              "VERB_MESSAGE_UNREACT",
                                              "VERB_CONVERSATION_UPDATE",
                                              "VERB_CONVERSATION_DELETE",
                                              "VERB_MEMBER_ROLE",
                                              "VERB_MEMBER_MUTE",
                                              "VERB_MEMBER_BAN",
                                              "VERB_USER_BLOCK",
                                              "VERB_USER_UNBLOCK",
                                              "VERB_READERS",
                                              "VERB_READ_UNMARK",
                                              "VERB_TYPING",
                                              "VERB_PRESENCE_SET",
                                              "VERB_PRESENCE_SUBSCRIBE",
                                              "VERB_PRESENCE_UNSUBSCRIBE",
                                              "VERB_PRESENCE_GET",
                                              "VERB_OCCUPANCY_GET",
                                              "VERB_PUSH_REGISTER",
                                              "VERB_PUSH_UNREGISTER",
                                              "VERB_BAN_LIST",
                                              "VERB_BLOCK_LIST",
                                              "VERB_CONVERSATION_CLEAR",
                                              "VERB_CONVERSATION_SET",
                                              "VERB_MEMBER_INVITE",
                                              "VERB_INVITE_LIST"};

// In the header of numbered frames this is read and written by hand: fields.hpp.
template <>
struct Table<LaneState> {
    static constexpr std::string_view kName = "LaneState";
    static constexpr std::tuple kLines{
        number(1, "lane", &LaneState::lane, kMaxLanes - 1),
        number(2, "received", &LaneState::received),
        number(3, "max_seq", &LaneState::max_seq),
        number(4, "max_bytes", &LaneState::max_bytes),
    };
};

template <>
struct Table<Resume> {
    static constexpr std::string_view kName = "Resume";
    static constexpr std::tuple kLines{
        bytes(1, "ticket", &Resume::ticket, kMaxTicketBytes),
        required_bytes(2, "nonce", &Resume::nonce, kNonceBytes),
        required_bytes(3, "mac", &Resume::mac, kMacBytes),
    };
};

template <>
struct Table<Hello> {
    static constexpr std::string_view kName = "Hello";
    static constexpr std::tuple kLines{
        number(1, "version", &Hello::version),
        text(2, "user", &Hello::user, kMaxNameBytes),
        text(3, "device", &Hello::device, kMaxNameBytes),
        choice(4, "platform", &Hello::platform, kPlatforms),
        text(5, "token", &Hello::token, kMaxTokenBytes),
        id(6, "attempt_id", &Hello::attempt_id),
        number(7, "epoch", &Hello::epoch),
        part<Resume>(8, "resume", &Hello::resume),
        list<LaneState>(9, "received", &Hello::received),
        number(10, "capabilities", &Hello::capabilities),
        number(11, "lanes", &Hello::lanes),
        number(12, "max_message_bytes", &Hello::max_message_bytes),
        bytes(13, "dictionary", &Hello::dictionary, kMaxDictionaryIdBytes),
        exact_bytes(14, "ticket_proof", &Hello::ticket_proof, kMacBytes),
    };
};

template <>
struct Table<Limits> {
    static constexpr std::string_view kName = "Limits";
    static constexpr std::tuple kLines{
        number_or_default(1, "max_message_bytes", &Limits::max_message_bytes),
        number_or_default(2, "max_frame_bytes", &Limits::max_frame_bytes),
        number_or_default(3, "max_batch_bytes", &Limits::max_batch_bytes),
        number_or_default(4, "max_unacked_frames", &Limits::max_unacked_frames),
        number_or_default(5, "max_unacked_bytes", &Limits::max_unacked_bytes),
        number(6, "max_messages_per_second", &Limits::max_messages_per_second),
        number(7, "message_burst", &Limits::message_burst),
        number(8, "max_bytes_per_second", &Limits::max_bytes_per_second),
        number(9, "byte_burst", &Limits::byte_burst),
    };
};

template <>
struct Table<Storing> {
    static constexpr std::string_view kName = "Storing";
    static constexpr std::tuple kLines{
        choice(1, "durability", &Storing::durability, kDurabilities),
        number(2, "max_bytes", &Storing::max_bytes),
        number(3, "per_second", &Storing::per_second),
        number(4, "burst", &Storing::burst),
    };
};

template <>
struct Table<Welcome> {
    static constexpr std::string_view kName = "Welcome";
    static constexpr std::tuple kLines{
        id(1, "session_id", &Welcome::session_id),
        number(2, "home_worker", &Welcome::home_worker),
        bytes(3, "ticket", &Welcome::ticket, kMaxTicketBytes),
        bytes(4, "secret", &Welcome::secret, kMaxSecretBytes),
        number(5, "capabilities", &Welcome::capabilities),
        number(6, "lanes", &Welcome::lanes),
        number(7, "heartbeat_interval_ms", &Welcome::heartbeat_interval_ms),
        number(8, "heartbeat_timeout_ms", &Welcome::heartbeat_timeout_ms),
        number(9, "max_ack_delay_ms", &Welcome::max_ack_delay_ms),
        part<Limits>(10, "limits", &Welcome::limits),
        list<LaneState>(11, "received", &Welcome::received),
        choice(12, "outcome", &Welcome::outcome, kOutcomes),
        number(13, "session_life_ms", &Welcome::session_life_ms),
        text(14, "user", &Welcome::user, kMaxNameBytes),
        bytes(15, "dictionary", &Welcome::dictionary, kMaxDictionaryIdBytes),
        part<Storing>(16, "store", &Welcome::store),
    };
};

template <>
struct Table<LaneGap> {
    static constexpr std::string_view kName = "LaneGap";
    static constexpr std::tuple kLines{
        number(1, "lane", &LaneGap::lane, kMaxLanes - 1),
        number(2, "server_received", &LaneGap::server_received),
        number(3, "server_sent", &LaneGap::server_sent),
    };
};

template <>
struct Table<LaneGaps> {
    static constexpr std::string_view kName = "Gap";
    static constexpr std::tuple kLines{list<LaneGap>(1, "lanes", std::identity{})};
};

template <>
struct Table<Refused> {
    static constexpr std::string_view kName = "Refused";
    static constexpr std::tuple kLines{
        number(1, "code", &Refused::code),
        text_for_people(2, "text", &Refused::text),
        number(3, "retry_after_ms", &Refused::retry_after_ms),
        part<LaneGaps>(4, "gap", &Refused::gap),
        exact_bytes(5, "challenge", &Refused::challenge, kChallengeBytes),
    };
};

template <>
struct Table<Activate> {
    static constexpr std::string_view kName = "Activate";
    static constexpr std::tuple kLines{number(1, "epoch", &Activate::epoch)};
};

template <>
struct Table<Goodbye> {
    static constexpr std::string_view kName = "Goodbye";
    static constexpr std::tuple kLines{
        number(1, "code", &Goodbye::code),
        text_for_people(2, "text", &Goodbye::text),
        list<LaneState>(3, "final", &Goodbye::final),
        number(4, "retry_after_ms", &Goodbye::retry_after_ms),
        number(5, "session_ends", &Goodbye::session_ends),
    };
};

template <>
struct Table<Ping> {
    static constexpr std::string_view kName = "Ping";
    static constexpr std::tuple kLines{
        number(1, "id", &Ping::id),
        bytes(2, "padding", &Ping::padding),
    };
};

template <>
struct Table<CredentialView> {
    static constexpr std::string_view kName = "Credential";
    static constexpr std::tuple kLines{text(1, "token", &CredentialView::token, kMaxTokenBytes)};
};

template <>
struct Table<CredentialState> {
    static constexpr std::string_view kName = "CredentialState";
    static constexpr std::tuple kLines{
        number(1, "code", &CredentialState::code),
        text_for_people(2, "text", &CredentialState::text),
        number(3, "expires_in_ms", &CredentialState::expires_in_ms),
        number(4, "answer", &CredentialState::answer),
    };
};

template <>
struct Table<Seal> {
    static constexpr std::string_view kName = "Seal";
    static constexpr std::tuple kLines{
        bytes(1, "nonce", &Seal::nonce, kSealNonceBytes),
        bytes(2, "handshake", &Seal::handshake, kSealHandshakeBytes),
        bytes(3, "key", &Seal::key, kSealKeyBytes),
        bytes(4, "certificates", &Seal::certificates, kMaxCertificatesBytes),
        bytes(5, "signature", &Seal::signature, kMaxSignatureBytes),
    };
};

template <>
struct Table<SealedView> {
    static constexpr std::string_view kName = "Sealed";
    static constexpr std::tuple kLines{
        number(1, "nonce", &SealedView::nonce),
        bytes(2, "ciphertext", &SealedView::ciphertext, kMaxSealedBytes),
    };
};

template <>
struct Table<RequestView> {
    static constexpr std::string_view kName = "Request";
    static constexpr std::tuple kLines{
        id(1, "id", &RequestView::id),
        choice(2, "verb", &RequestView::verb, kVerbs),
        bytes(3, "body", &RequestView::body, kMaxRequestBytes),
        number(4, "first_sent_ms_ago", &RequestView::first_sent_ms_ago),
    };
};

template <>
struct Table<ResponseView> {
    static constexpr std::string_view kName = "Response";
    static constexpr std::tuple kLines{
        id(1, "id", &ResponseView::id),
        number(2, "code", &ResponseView::code),
        text_for_people(3, "text", &ResponseView::text),
        number(4, "retry_after_ms", &ResponseView::retry_after_ms),
        bytes(5, "body", &ResponseView::body, kMaxResponseBytes),
        number(6, "more", &ResponseView::more),
    };
};

}  // namespace flare::wire
