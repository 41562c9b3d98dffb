// Frames as protoc's code has them, with random content that version 1 allows. The same seed gives the same frames.
#pragma once

#include "wire/frame.hpp"
#include "wire/schema.hpp"

#include <flare/v1/frame.pb.h>
#include <google/protobuf/unknown_field_set.h>

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <random>
#include <string>
#include <vector>

namespace flare::wire::test {

class RandomFrames {
    using FieldDescriptor = google::protobuf::FieldDescriptor;
    using Message = google::protobuf::Message;

public:
    // `later_enums`: enums have values that this version does not know, too.
    explicit RandomFrames(unsigned seed, bool later_enums = true) : random_(seed), later_enums_(later_enums) {}

    v1::Frame next() {
        v1::Frame frame;
        const auto& bodies = *v1::Frame::descriptor()->FindOneofByName("body");
        const auto* field = pick_body(bodies);
        if (field != nullptr && field->cpp_type() == FieldDescriptor::CPPTYPE_STRING) {  // a body of another schema
            frame.GetReflection()->SetString(&frame, field, bytes(600));
        } else if (field != nullptr) {
            fill(*frame.GetReflection()->MutableMessage(&frame, field), schema_of(*field));
        }
        if (frame.has_goodbye()) {
            for (auto& state : *frame.mutable_goodbye()->mutable_final()) {
                state.clear_max_seq();  // our writer knows no credit there
                state.clear_max_bytes();
            }
        }
        if (frame.has_data() && frame.data().has_message()) fit(*frame.mutable_data()->mutable_message());
        if (frame.has_sealed()) {  // our writer puts no header in front of it, and something in it
            frame.mutable_sealed()->mutable_ciphertext()->append("!");
            return frame;
        }
        if (chance(2)) frame.set_lane(below(kMaxLanes));
        if (chance(2)) fill(frame, *kFrameSchema.find("acks"));
        if (chance(4)) frame.set_feed_id(static_cast<std::uint32_t>(number()));
        if (is_numbered(static_cast<FrameKind>(frame.body_case()))) frame.set_seq(number() | 1);
        return frame;
    }

    // Fields that version 1 does not have, anywhere in the tree.
    void add_unknown(google::protobuf::Message& message, bool is_frame = true) {
        const auto* reflection = message.GetReflection();
        auto* unknown = reflection->MutableUnknownFields(&message);
        const int first = is_frame ? 101 : 50;
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

    // Every field that the schema names, within its limits.
    void fill(Message& message, const Schema& schema) {
        for (const Field& field : schema.fields) {
            // What is zero here would be a default of ours that is not: our writer would name it.
            const bool always = schema.name == "Limits" && field.number <= 5;
            if (always || field.required || field.type == FieldType::uuid || !chance(5)) fill(message, field, always);
        }
    }

private:
    unsigned below(std::size_t limit) { return static_cast<unsigned>(random_() % limit); }
    bool chance(unsigned in) { return below(in) == 0; }
    // All lengths of varint are as likely.
    std::uint64_t number() { return chance(8) ? 0 : random_() >> below(64); }
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
    // Null: acks alone.
    const FieldDescriptor* pick_body(const google::protobuf::OneofDescriptor& bodies) {
        const auto index = static_cast<int>(below(static_cast<std::size_t>(bodies.field_count()) + 1));
        return index == bodies.field_count() ? nullptr : bodies.field(index);
    }
    static const Schema& schema_of(const FieldDescriptor& body) {
        return *kFrameSchema.find(static_cast<std::uint32_t>(body.number()))->part;
    }
    void fill(Message& message, const Field& field, bool not_zero = false) {
        const auto* reflection = message.GetReflection();
        const auto* at = message.GetDescriptor()->FindFieldByNumber(static_cast<int>(field.number));
        const std::uint64_t value =
            field.limit == kNoLimit ? number() | (not_zero ? 1 : 0) : number() % (field.limit + 1);
        if (field.repeated && field.type == FieldType::text) {
            for (unsigned i = below(20); i > 0; --i) reflection->AddString(&message, at, "u" + text(250));
            return;
        }
        switch (field.type) {
            case FieldType::uint32:
                // Error codes have 16 bits.
                return reflection->SetUInt32(
                    &message, at,
                    static_cast<std::uint32_t>(at->name() == "code" || at->name() == "failed" ? value % 700 : value));
            case FieldType::uint64: return reflection->SetUInt64(&message, at, value);
            case FieldType::int64:
                return reflection->SetInt64(&message, at, static_cast<std::int64_t>(chance(2) ? value : ~value));
            case FieldType::fixed64: return reflection->SetUInt64(&message, at, value);
            case FieldType::boolean: return reflection->SetBool(&message, at, chance(2));
            case FieldType::enumeration:
                return reflection->SetEnumValue(
                    &message, at, static_cast<int>(below(field.enumerators.size() + (later_enums_ ? 2 : 0))));
            case FieldType::text: return reflection->SetString(&message, at, text(most_bytes(field)));
            case FieldType::bytes:
                return reflection->SetString(&message, at,
                                             field.exact != 0 ? exactly(field.exact) : bytes(most_bytes(field)));
            case FieldType::uuid: return reflection->SetString(&message, at, exactly(16));
            case FieldType::message: break;
        }
        if (!field.repeated) return fill(*reflection->MutableMessage(&message, at), *field.part);
        // Lists in lists are short: what is in a page of conversations would grow with every field.
        const std::uint64_t most = std::min<std::uint64_t>(field.limit, lists_ == 0 ? 20 : 3);
        ++lists_;
        for (std::uint64_t i = below(most + 1); i > 0; --i) fill(*reflection->AddMessage(&message, at), *field.part);
        --lists_;
    }
    static std::size_t most_bytes(const Field& field) { return std::min<std::uint64_t>(field.limit, 1'200); }
    // JSON shows a payload that is UTF-8 as text; a later version's encoding is nothing that our writer would say.
    void fit(v1::Message& message) {
        message.clear_text();
        if (chance(2)) message.set_payload(text(600));
        if (message.encoding() > v1::ENCODING_ZSTD_DICTIONARY) message.clear_encoding();
    }

    std::mt19937_64 random_;
    bool later_enums_;
    unsigned lists_ = 0;  // in which the message is that is being filled
};

}  // namespace flare::wire::test
