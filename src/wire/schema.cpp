#include "wire/schema.hpp"

#include "wire/frame.hpp"

#include <algorithm>

namespace flare::wire {
namespace {

using enum FieldType;

constexpr std::uint64_t kAny = ~0ull;

constexpr std::string_view kPlatforms[] = {"PLATFORM_UNKNOWN", "PLATFORM_ANDROID", "PLATFORM_IOS",
                                           "PLATFORM_WEB",     "PLATFORM_DESKTOP", "PLATFORM_SERVER"};
constexpr std::string_view kOutcomes[] = {"OUTCOME_NEW", "OUTCOME_RESUMED"};
constexpr std::string_view kStatuses[] = {"RECEIPT_STATUS_UNSPECIFIED", "RECEIPT_STATUS_HANDLED",
                                          "RECEIPT_STATUS_DELIVERED",   "RECEIPT_STATUS_BUFFERED",
                                          "RECEIPT_STATUS_STORED",      "RECEIPT_STATUS_REFUSED"};

constexpr std::string_view kEncodings[] = {"ENCODING_NONE", "ENCODING_ZSTD", "ENCODING_GZIP",
                                           "ENCODING_ZSTD_DICTIONARY"};

constexpr Field number(std::uint32_t field, std::string_view name, std::string_view original, FieldType type,
                       std::uint64_t limit = kAny) {
    return {.number = field, .name = name, .original = original, .type = type, .limit = limit};
}
constexpr Field string(std::uint32_t field, std::string_view name, std::uint64_t limit) {
    return {.number = field, .name = name, .original = name, .type = text, .limit = limit};
}
constexpr Field blob(std::uint32_t field, std::string_view name, std::uint64_t limit, std::uint64_t exact = 0) {
    return {.number = field, .name = name, .original = name, .type = bytes, .limit = limit, .exact = exact};
}
constexpr Field blob(std::uint32_t field, std::string_view name, std::string_view original, std::uint64_t limit) {
    return {.number = field, .name = name, .original = original, .type = bytes, .limit = limit};
}
constexpr Field id(std::uint32_t field, std::string_view name, std::string_view original) {
    return {.number = field, .name = name, .original = original, .type = uuid};
}
constexpr Field choice(std::uint32_t field, std::string_view name, std::span<const std::string_view> enumerators) {
    return {.number = field, .name = name, .original = name, .type = enumeration, .enumerators = enumerators};
}
constexpr Field part(std::uint32_t field, std::string_view name, const Schema& schema) {
    return {.number = field, .name = name, .original = name, .type = message, .part = &schema};
}
constexpr Field list(std::uint32_t field, std::string_view name, const Schema& schema) {
    return {.number = field,
            .name = name,
            .original = name,
            .type = message,
            .repeated = true,
            .limit = kMaxLanes,
            .part = &schema};
}

// One field a line, as in frame.proto.
// clang-format off

constexpr Field kLaneStateFields[] = {
    number(1, "lane", "lane", uint32, kMaxLanes - 1),
    number(2, "received", "received", uint64),
    number(3, "maxSeq", "max_seq", uint64),
    number(4, "maxBytes", "max_bytes", uint64),
};
constexpr Schema kLaneState{"LaneState", kLaneStateFields};

constexpr Field kResumeFields[] = {
    blob(1, "ticket", kMaxTicketBytes),
    blob(2, "nonce", kNonceBytes, kNonceBytes),
    blob(3, "mac", kMacBytes, kMacBytes),
};
constexpr Schema kResume{"Resume", kResumeFields};

constexpr Field kHelloFields[] = {
    number(1, "version", "version", uint32),
    string(2, "user", kMaxNameBytes),
    string(3, "device", kMaxNameBytes),
    choice(4, "platform", kPlatforms),
    string(5, "token", kMaxTokenBytes),
    id(6, "attemptId", "attempt_id"),
    number(7, "epoch", "epoch", uint64),
    part(8, "resume", kResume),
    list(9, "received", kLaneState),
    number(10, "capabilities", "capabilities", uint64),
    number(11, "lanes", "lanes", uint32),
    number(12, "maxMessageBytes", "max_message_bytes", uint64),
    blob(13, "dictionary", kMaxDictionaryIdBytes),
    blob(14, "ticketProof", "ticket_proof", kMacBytes),
};

}  // namespace

constexpr Schema kHelloSchema{"Hello", kHelloFields};

namespace {

constexpr Field kLimitsFields[] = {
    number(1, "maxMessageBytes", "max_message_bytes", uint64),
    number(2, "maxFrameBytes", "max_frame_bytes", uint32),
    number(3, "maxBatchBytes", "max_batch_bytes", uint32),
    number(4, "maxUnackedFrames", "max_unacked_frames", uint32),
    number(5, "maxUnackedBytes", "max_unacked_bytes", uint64),
    number(6, "maxMessagesPerSecond", "max_messages_per_second", uint32),
    number(7, "messageBurst", "message_burst", uint32),
    number(8, "maxBytesPerSecond", "max_bytes_per_second", uint64),
    number(9, "byteBurst", "byte_burst", uint64),
};
constexpr Schema kLimits{"Limits", kLimitsFields};

constexpr Field kWelcomeFields[] = {
    id(1, "sessionId", "session_id"),
    number(2, "homeWorker", "home_worker", uint32),
    blob(3, "ticket", kMaxTicketBytes),
    blob(4, "secret", kMaxSecretBytes),
    number(5, "capabilities", "capabilities", uint64),
    number(6, "lanes", "lanes", uint32),
    number(7, "heartbeatIntervalMs", "heartbeat_interval_ms", uint32),
    number(8, "heartbeatTimeoutMs", "heartbeat_timeout_ms", uint32),
    number(9, "maxAckDelayMs", "max_ack_delay_ms", uint32),
    part(10, "limits", kLimits),
    list(11, "received", kLaneState),
    choice(12, "outcome", kOutcomes),
    number(13, "sessionLifeMs", "session_life_ms", uint32),
    string(14, "user", kMaxNameBytes),
    blob(15, "dictionary", kMaxDictionaryIdBytes),
};
constexpr Schema kWelcome{"Welcome", kWelcomeFields};

constexpr Field kLaneGapFields[] = {
    number(1, "lane", "lane", uint32, kMaxLanes - 1),
    number(2, "serverReceived", "server_received", uint64),
    number(3, "serverSent", "server_sent", uint64),
};
constexpr Schema kLaneGap{"LaneGap", kLaneGapFields};

constexpr Field kGapFields[] = {list(1, "lanes", kLaneGap)};
constexpr Schema kGap{"Gap", kGapFields};

constexpr Field kRefusedFields[] = {
    number(1, "code", "code", uint32),
    string(2, "text", kMaxTextBytes),
    number(3, "retryAfterMs", "retry_after_ms", uint32),
    part(4, "gap", kGap),
    blob(5, "challenge", kChallengeBytes),
};
constexpr Schema kRefused{"Refused", kRefusedFields};

constexpr Field kActivateFields[] = {number(1, "epoch", "epoch", uint64)};
constexpr Schema kActivate{"Activate", kActivateFields};

constexpr Field kGoodbyeFields[] = {
    number(1, "code", "code", uint32),
    string(2, "text", kMaxTextBytes),
    list(3, "final", kLaneState),
    number(4, "retryAfterMs", "retry_after_ms", uint32),
    number(5, "sessionEnds", "session_ends", boolean),
};
constexpr Schema kGoodbye{"Goodbye", kGoodbyeFields};

constexpr Field kPingFields[] = {number(1, "id", "id", uint64), blob(2, "padding", kAny)};
constexpr Schema kPing{"Ping", kPingFields};

constexpr Field kMessageFields[] = {
    id(1, "id", "id"),
    string(2, "type", kMaxNameBytes),
    blob(kPayloadField, "payload", kAny),
    number(4, "timestampMs", "timestamp_ms", int64),
    string(5, "to", kMaxNameBytes),
    string(kTextField, "text", kAny),
    choice(7, "encoding", kEncodings),
    number(8, "size", "size", uint64),
};

constexpr Field kReceiptFields[] = {
    id(1, "messageId", "message_id"),
    choice(2, "status", kStatuses),
    number(3, "code", "code", uint32),
    string(4, "text", kMaxTextBytes),
    number(5, "retryAfterMs", "retry_after_ms", uint32),
};
constexpr Schema kReceipt{"Receipt", kReceiptFields};

}  // namespace

constexpr Schema kMessageSchema{"Message", kMessageFields};

namespace {

constexpr Field kDataFields[] = {
    string(1, "from", kMaxNameBytes),
    part(2, "message", kMessageSchema),
    part(3, "receipt", kReceipt),
    number(4, "firstSentMsAgo", "first_sent_ms_ago", uint64),
    number(5, "serverTimeMs", "server_time_ms", int64),
};
constexpr Schema kData{"Data", kDataFields};

constexpr Field kChunkFields[] = {number(1, "total", "total", uint64), blob(2, "part", kAny)};
constexpr Schema kChunk{"Chunk", kChunkFields};

constexpr Field kCredentialFields[] = {string(1, "token", kMaxTokenBytes)};
constexpr Schema kCredential{"Credential", kCredentialFields};

constexpr Field kCredentialStateFields[] = {
    number(1, "code", "code", uint32),
    string(2, "text", kMaxTextBytes),
    number(3, "expiresInMs", "expires_in_ms", uint64),
    number(4, "answer", "answer", boolean),
};
constexpr Schema kCredentialState{"CredentialState", kCredentialStateFields};

constexpr Field kSealFields[] = {
    blob(1, "nonce", kSealNonceBytes),
    blob(2, "handshake", kSealHandshakeBytes),
    blob(3, "key", kSealKeyBytes),
    blob(4, "certificates", kMaxCertificatesBytes),
    blob(5, "signature", kMaxSignatureBytes),
};
constexpr Schema kSeal{"Seal", kSealFields};

constexpr Field kSealedFields[] = {number(1, "nonce", "nonce", uint64), blob(2, "ciphertext", kMaxSealedBytes)};
constexpr Schema kSealed{"Sealed", kSealedFields};

constexpr Field kFrameFields[] = {
    number(1, "lane", "lane", uint32, kMaxLanes - 1),
    number(2, "seq", "seq", uint64),
    list(3, "acks", kLaneState),
    part(10, "hello", kHelloSchema),
    part(11, "welcome", kWelcome),
    part(12, "refused", kRefused),
    part(13, "activate", kActivate),
    part(14, "goodbye", kGoodbye),
    part(15, "ping", kPing),
    part(16, "pong", kPing),
    part(17, "data", kData),
    part(18, "chunk", kChunk),
    part(19, "receipt", kReceipt),
    part(20, "sealed", kSealed),
    part(21, "credential", kCredential),
    {.number = 22, .name = "credentialState", .original = "credential_state", .type = message, .part = &kCredentialState},
    part(23, "seal", kSeal),
};

}  // namespace

constexpr Schema kFrameSchema{"Frame", kFrameFields};

// clang-format on

const Field* Schema::find(std::uint32_t number) const noexcept {
    const auto found =
        std::find_if(fields.begin(), fields.end(), [&](const Field& each) { return each.number == number; });
    return found == fields.end() ? nullptr : &*found;
}

const Field* Schema::find(std::string_view wanted) const noexcept {
    const auto found = std::find_if(fields.begin(), fields.end(),
                                    [&](const Field& each) { return each.name == wanted || each.original == wanted; });
    return found == fields.end() ? nullptr : &*found;
}

}  // namespace flare::wire
