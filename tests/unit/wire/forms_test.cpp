// One message for recipients who read different things: each form is made once.
#include "support.hpp"

#include "wire/forms.hpp"

#include <gtest/gtest.h>

namespace flare::wire::test {
namespace {

constexpr Encodings kByZstd = set_of(Encoding::zstd);
constexpr Encodings kByGzip = set_of(Encoding::gzip);

std::string text(std::size_t size) {
    std::string made;
    while (made.size() < size) made += "a line of a chat, number " + std::to_string(made.size()) + "\n";
    return made.substr(0, size);
}

// As a client sends it: with a field of a later version in it, too.
Body data_with(std::string_view payload, Encoding encoding = Encoding::none, std::uint64_t size = 0) {
    MessageView message;
    message.id = uuid("01910a3e-5c00-7b1a-8d5e-0123456789ab");
    message.type = "chat";
    message.payload = payload;
    message.timestamp_ms = 7;
    message.to = "bob";
    message.encoding = encoding;
    message.size = size;
    const std::string raw = encode_message(message).str() + from_hex("a2 01 03 6e 65 77");  // field 20
    DataView data;
    data.from = "ann";
    data.message_raw = raw;
    return encode(data);
}

MessageView message_in(const Body& body) { return *decode_data(body.content())->message; }

std::string inflated(const Compression& compression, const Body& body) {
    const MessageView message = message_in(body);
    if (message.encoding == Encoding::none) return std::string(message.payload);
    const auto payload = compression.inflate(message, set_of(message.encoding), 64u << 20);
    return payload ? payload->str() : "damaged";
}

// Everything but the payload is as the sender wrote it.
void expect_the_rest_unchanged(const Body& body) {
    const auto data = decode_data(body.content());
    ASSERT_TRUE(data);
    EXPECT_EQ(data->from, "ann");
    EXPECT_EQ(data->message->type, "chat");
    EXPECT_EQ(data->message->to, "bob");
    EXPECT_EQ(data->message->timestamp_ms, 7);
    EXPECT_NE(data->message_raw.find(from_hex("a2 01 03 6e 65 77")), std::string_view::npos);
    EXPECT_EQ(body.cost, data->message->payload.size());
}

TEST(Forms, WithoutCompressionThereIsOneForm) {
    Body body = data_with(text(10'000));
    Forms forms(body, message_in(body), nullptr, false);
    EXPECT_EQ(forms.fit(0), &forms.original());
    EXPECT_EQ(forms.fit(kByZstd | kByGzip), &forms.original());
}

TEST(Forms, EachIsMadeOnceForAllWhoTakeIt) {
    const Compression compression({});
    const std::string payload = text(10'000);
    Body body = data_with(payload);
    Forms forms(body, message_in(body), &compression, false);
    const Body* zstd = forms.fit(kByZstd);
    const Body* gzip = forms.fit(kByGzip);
    for (int i = 0; i < 100; ++i) {
        EXPECT_EQ(forms.fit(0), &forms.original());
        EXPECT_EQ(forms.fit(kByZstd), zstd);
        EXPECT_EQ(forms.fit(kByZstd | kByGzip), zstd);
        EXPECT_EQ(forms.fit(kByGzip), gzip);
    }
    EXPECT_EQ(compression.stats().compressed, 2u);
    EXPECT_EQ(message_in(*zstd).encoding, Encoding::zstd);
    EXPECT_EQ(message_in(*gzip).encoding, Encoding::gzip);
    for (const Body* each : {zstd, gzip}) {
        EXPECT_EQ(inflated(compression, *each), payload);
        expect_the_rest_unchanged(*each);
    }
}

TEST(Forms, ACompressedMessageGoesOnAsItIsToWhoReadsIt) {
    const Compression compression({});
    const std::string payload = text(10'000);
    const std::string packed(compression.pack(payload, kByZstd)->bytes);
    Body body = data_with(packed, Encoding::zstd, payload.size());
    Forms forms(body, message_in(body), &compression, true);
    EXPECT_EQ(forms.fit(kByZstd), &forms.original());
    EXPECT_EQ(compression.stats().inflated, 0u);

    const Body* plain = forms.fit(0);
    ASSERT_NE(plain, nullptr);
    EXPECT_EQ(message_in(*plain).encoding, Encoding::none);
    EXPECT_EQ(message_in(*plain).size, 0u);
    EXPECT_EQ(message_in(*plain).payload, payload);
    expect_the_rest_unchanged(*plain);
    const Body* gzip = forms.fit(kByGzip);
    EXPECT_EQ(message_in(*gzip).encoding, Encoding::gzip);
    EXPECT_EQ(inflated(compression, *gzip), payload);
    EXPECT_EQ(forms.fit(0), plain);
    EXPECT_EQ(compression.stats().inflated, 2u);  // once for all of them, and once by this test
}

TEST(Forms, WhatItsSenderLeftPlainStaysPlain) {
    const Compression compression({});
    Body body = data_with(text(10'000));
    Forms forms(body, message_in(body), &compression, true);
    EXPECT_EQ(forms.fit(kByZstd), &forms.original());
}

TEST(Forms, ADamagedPayloadFitsOnlyWhoTakesItAsItIs) {
    const Compression compression({});
    Body body = data_with(from_hex("28b52ffd 20 64 2303"), Encoding::zstd, 100);
    Forms forms(body, message_in(body), &compression, true);
    EXPECT_EQ(forms.fit(kByZstd), &forms.original());
    EXPECT_EQ(forms.fit(0), nullptr);
    EXPECT_EQ(forms.fit(kByGzip), nullptr);
    EXPECT_EQ(forms.inflate(), nullptr);
}

TEST(Forms, LargePayloadsAreWorkForAnotherThread) {
    const Compression compression({});
    const std::string payload = text(kAtOnceBytes + 1);
    Body body = data_with(payload);
    Forms forms(body, message_in(body), &compression, false);
    EXPECT_EQ(forms.fit(kByZstd), &forms.original());  // not compressed here
    forms.prepare(kByZstd);
    EXPECT_EQ(message_in(*forms.fit(kByZstd)).encoding, Encoding::zstd);
    EXPECT_EQ(inflated(compression, *forms.fit(kByZstd)), payload);
    EXPECT_EQ(forms.fit(kByGzip), &forms.original());
    EXPECT_EQ(forms.fit(0), &forms.original());

    const std::string packed(compression.pack(payload, kByZstd)->bytes);
    Body compressed = data_with(packed, Encoding::zstd, payload.size());
    Forms arrived(compressed, message_in(compressed), &compression, true);
    EXPECT_FALSE(arrived.is_work(kByZstd));
    EXPECT_TRUE(arrived.is_work(0));
    ASSERT_NE(arrived.inflate(), nullptr);
    EXPECT_FALSE(arrived.is_work(0));
    EXPECT_EQ(message_in(*arrived.fit(0)).payload, payload);
    EXPECT_EQ(message_in(*arrived.fit(kByGzip)).payload, payload);
}

TEST(Forms, AreTheSameForEveryThreadAndSmallOnesAreItsOwn) {
    const Compression compression({});
    const std::string payload = text(4000);
    Body body = data_with(payload);
    Forms shared(body, message_in(body), &compression, false);
    shared.prepare_each(kByZstd | kByGzip);
    shared.freeze();
    Forms own = shared.for_thread();
    for (const Encodings encodings : {Encodings{0}, kByZstd, kByGzip}) {
        EXPECT_EQ(own.fit(encodings)->bytes, shared.fit(encodings)->bytes);
        EXPECT_EQ(own.fit(encodings)->cost, shared.fit(encodings)->cost);
        EXPECT_NE(own.fit(encodings)->bytes.data(), shared.fit(encodings)->bytes.data());
    }
    EXPECT_EQ(own.size(), shared.size());

    const Forms large(data_with(text(100'000)));
    EXPECT_EQ(large.for_thread().original().bytes.data(), large.original().bytes.data());
}

TEST(Forms, WhatDoesNotShrinkStaysPlain) {
    const Compression compression({});
    std::string noise(2000, '\0');
    std::uint32_t state = 1;
    for (char& each : noise) each = static_cast<char>((state = state * 1664525u + 1013904223u) >> 24);
    Body body = data_with(noise);
    Forms forms(body, message_in(body), &compression, false);
    EXPECT_EQ(message_in(*forms.fit(kByZstd)).payload, noise);
    EXPECT_EQ(message_in(*forms.fit(kByZstd)).encoding, Encoding::none);
}

}  // namespace
}  // namespace flare::wire::test
