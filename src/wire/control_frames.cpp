// Hello, Welcome, Refused, Activate, Goodbye, Ping, Credential: frames that come once or seldom. Written with
// protozero, read with our own reader.
#include "wire/fields.hpp"
#include "wire/frame.hpp"

#include <protozero/pbf_writer.hpp>

#include <utility>

namespace flare::wire {
namespace {

// Nested messages are written into strings of their own: protozero drops one that stays empty when it is written in
// place, but to be there may be all that it says.
using protozero::pbf_writer;

void put_text(pbf_writer& out, std::uint32_t field, std::string_view value) {
    if (!value.empty()) out.add_bytes(field, value.data(), value.size());
}

void put_count(pbf_writer& out, std::uint32_t field, std::uint64_t value) {
    if (value != 0) out.add_uint64(field, value);
}

// Always there, even when nil.
void put_uuid(pbf_writer& out, std::uint32_t field, const Uuid& id) {
    out.add_bytes(field, id.raw().data(), id.raw().size());
}

void put_lane_states(pbf_writer& out, std::uint32_t field, const LaneStates& states) {
    char buffer[64];
    for (const LaneState& state : states) {
        const char* end = put_lane_state(buffer, 1, state);
        out.add_bytes(field, buffer + 2, static_cast<std::size_t>(end - buffer) - 2);
    }
}

Body body_of(FrameKind kind, const std::string& content) {
    Body body;
    body.kind = kind;
    body.content_offset = static_cast<std::uint32_t>(body_size(kind, content.size()) - content.size());
    body.bytes = Bytes::make(body.content_offset + content.size(),
                             [&](char* out) { put_raw(put_body_tag(out, kind, content.size()), content); });
    return body;
}

// Bytes of a fixed length that this side cannot do without.
std::string_view exact(Reader& reader, std::size_t size) noexcept {
    const std::string_view value = reader.bytes();
    if (value.size() != size) reader.fail(errc::malformed_frame);
    return value;
}

// The same, where there need not be any.
std::string_view exact_or_none(Reader& reader, std::size_t size) noexcept {
    const std::string_view value = reader.bytes();
    if (!value.empty() && value.size() != size) reader.fail(errc::malformed_frame);
    return value;
}

}  // namespace

// ---- Hello ----

Body encode(const Hello& hello) {
    std::string content;
    pbf_writer out(content);
    put_count(out, 1, hello.version);
    put_text(out, 2, hello.user);
    put_text(out, 3, hello.device);
    put_count(out, 4, static_cast<std::uint64_t>(hello.platform));
    put_text(out, 5, hello.token);
    put_uuid(out, 6, hello.attempt_id);
    put_count(out, 7, hello.epoch);
    if (hello.resume) {
        std::string proof;
        pbf_writer resume(proof);
        put_text(resume, 1, hello.resume->ticket);
        put_text(resume, 2, hello.resume->nonce);
        put_text(resume, 3, hello.resume->mac);
        out.add_message(8, proof);
    }
    put_lane_states(out, 9, hello.received);
    put_count(out, 10, hello.capabilities);
    put_count(out, 11, hello.lanes);
    put_count(out, 12, hello.max_message_bytes);
    put_text(out, 13, hello.dictionary);
    put_text(out, 14, hello.ticket_proof);
    return body_of(FrameKind::hello, content);
}

namespace {

void read_resume(Reader& reader, Resume& resume) {
    Reader part(reader.bytes());
    while (part.next()) {
        switch (part.tag()) {
            case bytes_tag(1): resume.ticket = part.bytes(kMaxTicketBytes); break;
            case bytes_tag(2): resume.nonce = exact(part, kNonceBytes); break;
            case bytes_tag(3): resume.mac = exact(part, kMacBytes); break;
            default: part.skip(3);
        }
    }
    if (resume.nonce.empty() || resume.mac.empty()) part.fail(errc::malformed_frame);
    reader.join(part.code());
}

}  // namespace

Result<Hello> decode_hello(std::string_view body) {
    Hello hello;
    hello.version = 0;
    Reader reader(body);
    while (reader.next()) {
        switch (reader.tag()) {
            case number_tag(1): hello.version = reader.small_number(); break;
            case bytes_tag(2): hello.user = reader.text(kMaxNameBytes); break;
            case bytes_tag(3): hello.device = reader.text(kMaxNameBytes); break;
            case number_tag(4): hello.platform = to_enum(reader.number(), Platform::server, Platform::unknown); break;
            case bytes_tag(5): hello.token = reader.text(kMaxTokenBytes); break;
            case bytes_tag(6): hello.attempt_id = reader.uuid(); break;
            case number_tag(7): hello.epoch = reader.number(); break;
            case bytes_tag(8): read_resume(reader, hello.resume.emplace()); break;
            case bytes_tag(9): read_lane_state(reader, hello.received); break;
            case number_tag(10): hello.capabilities = reader.number(); break;
            case number_tag(11): hello.lanes = reader.small_number(); break;
            case number_tag(12): hello.max_message_bytes = reader.number(); break;
            case bytes_tag(13): hello.dictionary = reader.bytes(kMaxDictionaryIdBytes); break;
            case bytes_tag(14): hello.ticket_proof = exact_or_none(reader, kMacBytes); break;
            default: reader.skip(14);
        }
    }
    if (!reader.failed()) return hello;
    // What a later version means by its fields is not ours to judge: its number alone is the answer.
    if (hello.version > kVersion) {
        Hello newer;
        newer.version = hello.version;
        return newer;
    }
    return reader.error();
}

// ---- Welcome ----

Body encode(const Welcome& welcome) {
    std::string content;
    pbf_writer out(content);
    put_uuid(out, 1, welcome.session_id);
    put_count(out, 2, welcome.home_worker);
    put_text(out, 3, welcome.ticket);
    put_text(out, 4, welcome.secret);
    put_count(out, 5, welcome.capabilities);
    put_count(out, 6, welcome.lanes);
    put_count(out, 7, welcome.heartbeat_interval_ms);
    put_count(out, 8, welcome.heartbeat_timeout_ms);
    put_count(out, 9, welcome.max_ack_delay_ms);
    std::string numbers;
    pbf_writer limits(numbers);
    put_count(limits, 1, welcome.limits.max_message_bytes);
    put_count(limits, 2, welcome.limits.max_frame_bytes);
    put_count(limits, 3, welcome.limits.max_batch_bytes);
    put_count(limits, 4, welcome.limits.max_unacked_frames);
    put_count(limits, 5, welcome.limits.max_unacked_bytes);
    put_count(limits, 6, welcome.limits.max_messages_per_second);
    put_count(limits, 7, welcome.limits.message_burst);
    put_count(limits, 8, welcome.limits.max_bytes_per_second);
    put_count(limits, 9, welcome.limits.byte_burst);
    out.add_message(10, numbers);
    put_lane_states(out, 11, welcome.received);
    put_count(out, 12, static_cast<std::uint64_t>(welcome.outcome));
    put_count(out, 13, welcome.session_life_ms);
    put_text(out, 14, welcome.user);
    put_text(out, 15, welcome.dictionary);
    return body_of(FrameKind::welcome, content);
}

namespace {

// Zero, like an absent field, stands for the protocol's default.
template <typename Number>
void set_limit(Number& limit, Number value) noexcept {
    if (value != 0) limit = value;
}

void read_limits(Reader& reader, Limits& limits) noexcept {
    Reader part(reader.bytes());
    limits = Limits{};
    while (part.next()) {
        switch (part.tag()) {
            case number_tag(1): set_limit(limits.max_message_bytes, part.number()); break;
            case number_tag(2): set_limit(limits.max_frame_bytes, part.small_number()); break;
            case number_tag(3): set_limit(limits.max_batch_bytes, part.small_number()); break;
            case number_tag(4): set_limit(limits.max_unacked_frames, part.small_number()); break;
            case number_tag(5): set_limit(limits.max_unacked_bytes, part.number()); break;
            case number_tag(6): limits.max_messages_per_second = part.small_number(); break;
            case number_tag(7): limits.message_burst = part.small_number(); break;
            case number_tag(8): limits.max_bytes_per_second = part.number(); break;
            case number_tag(9): limits.byte_burst = part.number(); break;
            default: part.skip(9);
        }
    }
    reader.join(part.code());
}

}  // namespace

Result<Welcome> decode_welcome(std::string_view body) {
    Welcome welcome;
    welcome.lanes = 0;
    Reader reader(body);
    while (reader.next()) {
        switch (reader.tag()) {
            case bytes_tag(1): welcome.session_id = reader.uuid(); break;
            case number_tag(2): welcome.home_worker = reader.small_number(); break;
            case bytes_tag(3): welcome.ticket = reader.bytes(kMaxTicketBytes); break;
            case bytes_tag(4): welcome.secret = reader.bytes(kMaxSecretBytes); break;
            case number_tag(5): welcome.capabilities = reader.number(); break;
            case number_tag(6): welcome.lanes = reader.small_number(); break;
            case number_tag(7): welcome.heartbeat_interval_ms = reader.small_number(); break;
            case number_tag(8): welcome.heartbeat_timeout_ms = reader.small_number(); break;
            case number_tag(9): welcome.max_ack_delay_ms = reader.small_number(); break;
            case bytes_tag(10): read_limits(reader, welcome.limits); break;
            case bytes_tag(11): read_lane_state(reader, welcome.received); break;
            case number_tag(12): welcome.outcome = to_enum(reader.number(), Outcome::resumed, Outcome::created); break;
            case number_tag(13): welcome.session_life_ms = reader.small_number(); break;
            case bytes_tag(14): welcome.user = reader.text(kMaxNameBytes); break;
            case bytes_tag(15): welcome.dictionary = reader.bytes(kMaxDictionaryIdBytes); break;
            default: reader.skip(15);
        }
    }
    if (reader.failed()) return reader.error();
    return welcome;
}

// ---- Refused ----

Body encode(const Refused& refused) {
    std::string content;
    pbf_writer out(content);
    put_count(out, 1, static_cast<std::uint64_t>(refused.code));
    put_text(out, 2, cut_text(refused.text));
    put_count(out, 3, refused.retry_after_ms);
    if (refused.gap) {
        std::string lanes;
        pbf_writer gap(lanes);
        for (const LaneGap& lane : *refused.gap) {
            std::string numbers;
            pbf_writer part(numbers);
            put_count(part, 1, lane.lane);
            put_count(part, 2, lane.server_received);
            put_count(part, 3, lane.server_sent);
            gap.add_message(1, numbers);
        }
        out.add_message(4, lanes);
    }
    put_text(out, 5, refused.challenge);
    return body_of(FrameKind::refused, content);
}

namespace {

void read_lane_gap(Reader& reader, LaneGaps& gaps) noexcept {
    if (gaps.size() == kMaxLanes) {
        reader.fail();
        return;
    }
    LaneGap& gap = gaps.emplace_back();
    Reader part(reader.bytes());
    while (part.next()) {
        switch (part.tag()) {
            case number_tag(1): gap.lane = part.small_number(); break;
            case number_tag(2): gap.server_received = part.number(); break;
            case number_tag(3): gap.server_sent = part.number(); break;
            default: part.skip(3);
        }
    }
    if (gap.lane >= kMaxLanes) part.fail();
    reader.join(part.code());
}

void read_gap(Reader& reader, LaneGaps& gaps) noexcept {
    Reader part(reader.bytes());
    while (part.next()) {
        if (part.tag() == bytes_tag(1)) {
            read_lane_gap(part, gaps);
        } else {
            part.skip(1);
        }
    }
    reader.join(part.code());
}

}  // namespace

Result<Refused> decode_refused(std::string_view body) {
    Refused refused;
    refused.code = errc::ok;
    Reader reader(body);
    while (reader.next()) {
        switch (reader.tag()) {
            case number_tag(1): refused.code = to_errc(reader.number()); break;
            case bytes_tag(2): refused.text = reader.text(kMaxTextBytes); break;
            case number_tag(3): refused.retry_after_ms = reader.small_number(); break;
            case bytes_tag(4): read_gap(reader, refused.gap.emplace()); break;
            case bytes_tag(5): refused.challenge = exact_or_none(reader, kChallengeBytes); break;
            default: reader.skip(5);
        }
    }
    if (reader.failed()) return reader.error();
    return refused;
}

// ---- Activate, Goodbye, Ping ----

Body encode(const Activate& activate) {
    std::string content;
    pbf_writer out(content);
    put_count(out, 1, activate.epoch);
    return body_of(FrameKind::activate, content);
}

Result<Activate> decode_activate(std::string_view body) {
    Activate activate;
    Reader reader(body);
    while (reader.next()) {
        if (reader.tag() == number_tag(1)) {
            activate.epoch = reader.number();
        } else {
            reader.skip(1);
        }
    }
    if (reader.failed()) return reader.error();
    return activate;
}

Body encode(const Goodbye& goodbye) {
    std::string content;
    pbf_writer out(content);
    put_count(out, 1, static_cast<std::uint64_t>(goodbye.code));
    put_text(out, 2, cut_text(goodbye.text));
    LaneStates finals;
    for (const LaneState& state : goodbye.final) finals.push_back({state.lane, state.received, 0, 0});
    put_lane_states(out, 3, finals);
    put_count(out, 4, goodbye.retry_after_ms);
    put_count(out, 5, goodbye.session_ends ? 1 : 0);
    return body_of(FrameKind::goodbye, content);
}

Result<Goodbye> decode_goodbye(std::string_view body) {
    Goodbye goodbye;
    Reader reader(body);
    while (reader.next()) {
        switch (reader.tag()) {
            case number_tag(1): goodbye.code = to_errc(reader.number()); break;
            case bytes_tag(2): goodbye.text = reader.text(kMaxTextBytes); break;
            case bytes_tag(3): read_lane_state(reader, goodbye.final); break;
            case number_tag(4): goodbye.retry_after_ms = reader.small_number(); break;
            case number_tag(5): goodbye.session_ends = reader.number() != 0; break;
            default: reader.skip(5);
        }
    }
    if (reader.failed()) return reader.error();
    return goodbye;
}

namespace {

Body encode_ping_as(FrameKind kind, const Ping& ping) {
    const std::size_t size = number_size(ping.id) + bytes_size(ping.padding.size());
    Body body;
    body.kind = kind;
    body.content_offset = static_cast<std::uint32_t>(body_size(kind, size) - size);
    body.bytes = Bytes::make(body.content_offset + size, [&](char* out) {
        put_bytes(put_number(put_body_tag(out, kind, size), 1, ping.id), 2, ping.padding);
    });
    return body;
}

}  // namespace

Body encode_ping(const Ping& ping) { return encode_ping_as(FrameKind::ping, ping); }
Body encode_pong(const Ping& ping) { return encode_ping_as(FrameKind::pong, ping); }

Result<Ping> decode_ping(std::string_view body) {
    Ping ping;
    Reader reader(body);
    while (reader.next()) {
        switch (reader.tag()) {
            case number_tag(1): ping.id = reader.number(); break;
            case bytes_tag(2): ping.padding = reader.bytes(); break;
            default: reader.skip(2);
        }
    }
    if (reader.failed()) return reader.error();
    return ping;
}

// ---- Credential ----

Body encode(const CredentialView& credential) {
    std::string content;
    pbf_writer out(content);
    put_text(out, 1, credential.token);
    return body_of(FrameKind::credential, content);
}

Result<CredentialView> decode_credential(std::string_view body) {
    CredentialView credential;
    Reader reader(body);
    while (reader.next()) {
        if (reader.tag() == bytes_tag(1)) {
            credential.token = reader.text(kMaxTokenBytes);
        } else {
            reader.skip(1);
        }
    }
    if (reader.failed()) return reader.error();
    return credential;
}

Body encode(const CredentialState& state) {
    std::string content;
    pbf_writer out(content);
    put_count(out, 1, static_cast<std::uint64_t>(state.code));
    put_text(out, 2, cut_text(state.text));
    put_count(out, 3, state.expires_in_ms);
    put_count(out, 4, state.answer ? 1 : 0);
    return body_of(FrameKind::credential_state, content);
}

Result<CredentialState> decode_credential_state(std::string_view body) {
    CredentialState state;
    Reader reader(body);
    while (reader.next()) {
        switch (reader.tag()) {
            case number_tag(1): state.code = to_errc(reader.number()); break;
            case bytes_tag(2): state.text = reader.text(kMaxTextBytes); break;
            case number_tag(3): state.expires_in_ms = reader.number(); break;
            case number_tag(4): state.answer = reader.number() != 0; break;
            default: reader.skip(4);
        }
    }
    if (reader.failed()) return reader.error();
    return state;
}

// ---- Seal, Sealed ----

Body encode(const Seal& seal) {
    std::string content;
    pbf_writer out(content);
    put_text(out, 1, seal.nonce);
    put_text(out, 2, seal.handshake);
    put_text(out, 3, seal.key);
    put_text(out, 4, seal.certificates);
    put_text(out, 5, seal.signature);
    return body_of(FrameKind::seal, content);
}

Result<Seal> decode_seal(std::string_view body) {
    Seal seal;
    Reader reader(body);
    while (reader.next()) {
        switch (reader.tag()) {
            case bytes_tag(1): seal.nonce = reader.bytes(kSealNonceBytes); break;
            case bytes_tag(2): seal.handshake = reader.bytes(kSealHandshakeBytes); break;
            case bytes_tag(3): seal.key = reader.bytes(kSealKeyBytes); break;
            case bytes_tag(4): seal.certificates = reader.bytes(kMaxCertificatesBytes); break;
            case bytes_tag(5): seal.signature = reader.bytes(kMaxSignatureBytes); break;
            default: reader.skip(5);
        }
    }
    if (reader.failed()) return reader.error();
    return seal;
}

Result<SealedView> decode_sealed(std::string_view body) {
    SealedView sealed;
    Reader reader(body);
    while (reader.next()) {
        switch (reader.tag()) {
            case number_tag(1): sealed.nonce = reader.number(); break;
            case bytes_tag(2): sealed.ciphertext = reader.bytes(kMaxSealedBytes); break;
            default: reader.skip(2);
        }
    }
    if (reader.failed()) return reader.error();
    return sealed;
}

}  // namespace flare::wire
