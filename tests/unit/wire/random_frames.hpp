// Frames as protoc's code has them, with random content that version 1 allows. The same seed gives the same frames.
#pragma once

#include "wire/frame.hpp"

#include <flare/v1/frame.pb.h>
#include <google/protobuf/unknown_field_set.h>

#include <cstdint>
#include <iterator>
#include <random>
#include <string>
#include <vector>

namespace flare::wire::test {

class RandomFrames {
public:
    explicit RandomFrames(unsigned seed) : random_(seed) {}

    v1::Frame next() {
        v1::Frame frame;
        if (chance(2)) frame.set_lane(below(kMaxLanes));
        if (chance(2)) fill_states(*frame.mutable_acks());
        switch (below(15)) {
            case 0: fill(*frame.mutable_hello()); break;
            case 1: fill(*frame.mutable_welcome()); break;
            case 2: fill(*frame.mutable_refused()); break;
            case 3: frame.mutable_activate()->set_epoch(number()); break;
            case 4: fill(*frame.mutable_goodbye()); break;
            case 5: fill(*frame.mutable_ping()); break;
            case 6: fill(*frame.mutable_pong()); break;
            case 7: fill(*frame.mutable_data()); break;
            case 8:
                frame.mutable_chunk()->set_total(number());
                frame.mutable_chunk()->set_part(bytes(300));
                break;
            case 9: fill(*frame.mutable_receipt()); break;
            case 10: frame.mutable_credential()->set_token(text(500)); break;
            case 11:
                frame.mutable_credential_state()->set_code(below(700));
                frame.mutable_credential_state()->set_text(text(kMaxTextBytes));
                frame.mutable_credential_state()->set_expires_in_ms(number());
                frame.mutable_credential_state()->set_answer(chance(2));
                break;
            case 12: fill(*frame.mutable_seal()); break;
            case 13:  // our writer puts no header in front of it, and something in it
                frame.Clear();
                frame.mutable_sealed()->set_nonce(number());
                frame.mutable_sealed()->set_ciphertext(bytes(300) + "!");
                break;
            default: break;  // acks alone
        }
        if (frame.has_data() || frame.has_chunk() || frame.has_receipt()) frame.set_seq(number() | 1);
        return frame;
    }

    // Fields that version 1 does not have, anywhere in the tree.
    void add_unknown(google::protobuf::Message& message, bool is_frame = true) {
        const auto* reflection = message.GetReflection();
        auto* unknown = reflection->MutableUnknownFields(&message);
        const int first = is_frame ? 100 : 50;
        for (unsigned i = below(3); i > 0; --i) {
            const int field = first + static_cast<int>(below(100'000));
            switch (below(4)) {
                case 0: unknown->AddVarint(field, number()); break;
                case 1: unknown->AddFixed32(field, static_cast<std::uint32_t>(number())); break;
                case 2: unknown->AddFixed64(field, number()); break;
                default: unknown->AddLengthDelimited(field, bytes(40)); break;
            }
        }
        std::vector<const google::protobuf::FieldDescriptor*> fields;
        reflection->ListFields(message, &fields);
        for (const auto* field : fields) {
            if (field->cpp_type() != google::protobuf::FieldDescriptor::CPPTYPE_MESSAGE) continue;
            if (!field->is_repeated()) {
                add_unknown(*reflection->MutableMessage(&message, field), false);
                continue;
            }
            for (int i = 0; i < reflection->FieldSize(message, field); ++i) {
                add_unknown(*reflection->MutableRepeatedMessage(&message, field, i), false);
            }
        }
    }

private:
    unsigned below(std::size_t limit) { return static_cast<unsigned>(random_() % limit); }
    bool chance(unsigned in) { return below(in) == 0; }
    // All lengths of varint are as likely.
    std::uint64_t number() { return chance(8) ? 0 : random_() >> below(64); }
    std::uint32_t small() { return static_cast<std::uint32_t>(number()); }
    std::string bytes(std::size_t most) {
        std::string out(below(most + 1), '\0');
        for (char& each : out) each = static_cast<char>(random_());
        return out;
    }
    std::string exactly(std::size_t size) {
        std::string out(size, '\0');
        for (char& each : out) each = static_cast<char>(random_());
        return out;
    }
    std::string text(std::size_t most) {
        constexpr const char* kPieces[] = {
            "a", "Z", "0", " ", "\"", "\\", "\n", "\x01", "\xc3\xa9", "\xe2\x98\x80", "\xf0\x9f\x98\x80"};
        std::string out;
        for (std::size_t length = below(most + 1); out.size() + 4 <= length;) out += kPieces[below(std::size(kPieces))];
        return out;
    }
    template <typename States>
    void fill_states(States& states) {
        for (unsigned i = below(kMaxLanes + 1); i > 0; --i) {
            auto* state = states.Add();
            state->set_lane(below(kMaxLanes));
            state->set_received(number());
            state->set_max_seq(number());
            state->set_max_bytes(number());
        }
    }
    void fill(v1::Hello& hello) {
        hello.set_version(chance(2) ? 1 : small());
        hello.set_user(text(kMaxNameBytes));
        hello.set_device(text(30));
        hello.set_platform(static_cast<v1::Platform>(below(8)));
        hello.set_token(text(500));
        if (!chance(4)) hello.set_attempt_id(exactly(16));
        hello.set_epoch(number());
        if (chance(2)) {
            hello.mutable_resume()->set_ticket(bytes(kMaxTicketBytes));
            hello.mutable_resume()->set_nonce(exactly(kNonceBytes));
            hello.mutable_resume()->set_mac(exactly(kMacBytes));
        }
        fill_states(*hello.mutable_received());
        hello.set_capabilities(number());
        hello.set_lanes(small());
        hello.set_max_message_bytes(number());
        if (chance(3)) hello.set_dictionary(bytes(kMaxDictionaryIdBytes));
        if (chance(3)) hello.set_ticket_proof(exactly(kMacBytes));
    }
    void fill(v1::Welcome& welcome) {
        welcome.set_session_id(exactly(16));
        welcome.set_home_worker(small());
        welcome.set_ticket(bytes(kMaxTicketBytes));
        welcome.set_secret(bytes(kMaxSecretBytes));
        welcome.set_capabilities(number());
        welcome.set_lanes(small());
        welcome.set_heartbeat_interval_ms(small());
        welcome.set_heartbeat_timeout_ms(small());
        welcome.set_max_ack_delay_ms(small());
        if (!chance(4)) {
            welcome.mutable_limits()->set_max_message_bytes(number() | 1);
            welcome.mutable_limits()->set_max_frame_bytes(small() | 1);
            welcome.mutable_limits()->set_max_batch_bytes(small() | 1);
            welcome.mutable_limits()->set_max_unacked_frames(small() | 1);
            welcome.mutable_limits()->set_max_unacked_bytes(number() | 1);
            if (chance(2)) {
                welcome.mutable_limits()->set_max_messages_per_second(small());
                welcome.mutable_limits()->set_message_burst(small());
                welcome.mutable_limits()->set_max_bytes_per_second(number());
                welcome.mutable_limits()->set_byte_burst(number());
            }
        }
        fill_states(*welcome.mutable_received());
        welcome.set_outcome(static_cast<v1::Outcome>(below(3)));
        welcome.set_session_life_ms(small());
        welcome.set_user(text(kMaxNameBytes));
        if (chance(3)) welcome.set_dictionary(bytes(kMaxDictionaryIdBytes));
    }
    void fill(v1::Refused& refused) {
        refused.set_code(below(700));
        refused.set_text(text(kMaxTextBytes));
        refused.set_retry_after_ms(small());
        if (chance(3)) refused.set_challenge(exactly(kChallengeBytes));
        if (chance(2)) return;
        auto* gap = refused.mutable_gap();
        for (unsigned i = below(kMaxLanes + 1); i > 0; --i) {
            auto* lane = gap->add_lanes();
            lane->set_lane(below(kMaxLanes));
            lane->set_server_received(number());
            lane->set_server_sent(number());
        }
    }
    void fill(v1::Goodbye& goodbye) {
        goodbye.set_code(below(700));
        goodbye.set_text(text(kMaxTextBytes));
        for (unsigned i = below(kMaxLanes + 1); i > 0; --i) {
            auto* state = goodbye.add_final();
            state->set_lane(below(kMaxLanes));
            state->set_received(number());
        }
        goodbye.set_retry_after_ms(small());
        goodbye.set_session_ends(chance(2));
    }
    void fill(v1::Ping& ping) {
        ping.set_id(number());
        if (chance(2)) ping.set_padding(bytes(1'200));
    }
    void fill(v1::Receipt& receipt) {
        receipt.set_message_id(exactly(16));
        receipt.set_status(static_cast<v1::ReceiptStatus>(below(8)));
        receipt.set_code(below(700));
        receipt.set_text(text(kMaxTextBytes));
        receipt.set_retry_after_ms(small());
    }
    void fill(v1::Seal& seal) {
        seal.set_nonce(bytes(kSealNonceBytes));
        seal.set_handshake(bytes(kSealHandshakeBytes));
        seal.set_key(bytes(kSealKeyBytes));
        seal.set_certificates(bytes(900));
        seal.set_signature(bytes(200));
    }
    void fill(v1::Data& data) {
        data.set_from(text(kMaxNameBytes));
        if (!chance(4)) {
            auto* message = data.mutable_message();
            message->set_id(exactly(16));
            message->set_type(text(kMaxNameBytes));
            message->set_payload(chance(2) ? bytes(600) : text(600));
            message->set_timestamp_ms(static_cast<std::int64_t>(chance(2) ? number() : ~number()));
            message->set_to(text(kMaxNameBytes));
            if (chance(3)) {
                message->set_encoding(static_cast<v1::Encoding>(below(4)));
                message->set_size(number());
            }
        }
        if (chance(3)) fill(*data.mutable_receipt());
        data.set_first_sent_ms_ago(number());
        data.set_server_time_ms(static_cast<std::int64_t>(chance(2) ? number() : ~number()));
    }

    std::mt19937_64 random_;
};

}  // namespace flare::wire::test
