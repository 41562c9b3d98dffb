#include "wire/json.hpp"

#include "support.hpp"

#include <gtest/gtest.h>

namespace flare::wire::test {
namespace {

struct Read {
    boost::system::error_code error;
    std::string text;  // what is wrong
    std::string batch;
};

Read read(std::string_view json) {
    Read result;
    const auto batch = json_to_batch(json, &result.text);
    if (!batch) {
        result.error = batch.error();
    } else {
        result.batch = *batch;
    }
    return result;
}

std::string complaint(std::string_view json) {
    const Read result = read(json);
    EXPECT_EQ(result.error, errc::malformed_json) << json;
    return result.text;
}

// The JSON that `json` becomes after a way through bytes.
std::string there_and_back(std::string_view json) {
    const Read result = read(json);
    EXPECT_FALSE(result.error) << result.text;
    EXPECT_FALSE(decode_all(result.batch)) << json;
    return batch_to_json(result.batch).value();
}

FrameView only_frame(const std::string& batch) {
    BatchReader reader(batch);
    FrameView frame;
    EXPECT_FALSE(reader.done());
    EXPECT_TRUE(reader.next(frame));
    return frame;
}

TEST(Json, WhatAPersonTypesIsEnough) {
    const Read hello = read(R"({"hello":{"version":1,"user":"ada"}})");
    ASSERT_FALSE(hello.error) << hello.text;
    const Hello decoded = decode_hello(only_frame(hello.batch).body).value();
    EXPECT_EQ(decoded.user, "ada");
    EXPECT_FALSE(decoded.attempt_id.is_nil());

    const Read data =
        read(R"({"seq":1,"data":{"message":{"to":"server","type":"chat","text":"gr\u00fc\u00df dich"}}})");
    ASSERT_FALSE(data.error) << data.text;
    const FrameView frame = only_frame(data.batch);
    EXPECT_EQ(frame.seq, 1u);
    const auto message = decode_data(frame.body).value().message;
    EXPECT_EQ(message->payload, "gr\xc3\xbc\xc3\x9f dich");
    EXPECT_EQ(message->to, "server");
    EXPECT_EQ(message->id.bytes[6] >> 4, 7);  // a UUIDv7 was made
}

TEST(Json, MadeIdsAreNewEachTime) {
    const char* hello = R"({"hello":{"version":1,"user":"ada"}})";
    EXPECT_NE(read(hello).batch, read(hello).batch);
    const char* data = R"({"seq":1,"data":{"message":{}}})";
    EXPECT_NE(read(data).batch, read(data).batch);
}

TEST(Json, ARequestWithoutAnIdGetsOne) {
    const Read typed = read(R"({"seq":1,"request":{"verb":"VERB_CONVERSATION_GET","body":"CgFh"}})");
    ASSERT_FALSE(typed.error) << typed.text;
    const RequestView request = decode_request(only_frame(typed.batch).body).value();
    EXPECT_EQ(request.id.bytes[6] >> 4, 7);
    EXPECT_EQ(request.verb, Verb::conversation_get);
    EXPECT_EQ(request.body,
              "\n\x01"
              "a");
    EXPECT_EQ(complaint(R"({"request":{}})"),
              "seq: data, chunk, receipt, request, response and feed frames need a number, from 1");
    EXPECT_EQ(complaint(R"({"seq":1,"request":{"verb":"history"}})"),
              "request.verb: expected a name like VERB_INVITE_LIST");
}

TEST(Json, TextBecomesThePayloadInTheBytes) {
    const Read result =
        read(R"({"seq":1,"data":{"message":{"id":"00010203-0405-0607-0809-0a0b0c0d0e0f","text":"hi","to":"a"}}})");
    EXPECT_EQ(to_hex(result.batch),
              "20"
              "1001"
              "8a011b"
              "1219"
              "0a10000102030405060708090a0b0c0d0e0f"
              "1a026869"
              "2a0161");
}

TEST(Json, PayloadsThatAreTextAppearAsTextAndOthersInBase64) {
    EXPECT_EQ(there_and_back(R"({"seq":"1","data":{"message":{"id":"AAECAwQFBgcICQoLDA0ODw==","payload":"aGk="}}})"),
              R"({"seq":"1","data":{"message":{"id":"AAECAwQFBgcICQoLDA0ODw==","text":"hi"}}})");
    EXPECT_EQ(there_and_back(R"({"seq":"1","data":{"message":{"id":"AAECAwQFBgcICQoLDA0ODw==","payload":"/w"}}})"),
              R"({"seq":"1","data":{"message":{"id":"AAECAwQFBgcICQoLDA0ODw==","payload":"/w=="}}})");
}

TEST(Json, TakesEverySpellingThatTheMappingAllows) {
    const char* canonical =
        R"({"goodbye":{"code":512,"final":[{"lane":1,"received":"12"}],"retryAfterMs":5000,"sessionEnds":true}})";
    EXPECT_EQ(there_and_back(canonical), canonical);
    EXPECT_EQ(
        there_and_back(
            R"({"goodbye":{"code":"512","final":[{"lane":1.0,"received":12}],"retry_after_ms":5e3,"session_ends":true}})"),
        canonical);
    EXPECT_EQ(there_and_back("\n [ { \"goodbye\" : { } } ] \r\n\t"), R"({"goodbye":{}})");
    EXPECT_EQ(there_and_back(R"({"acks":[{}],"seq":0,"lane":null,"hello":null})"), R"({"acks":[{}]})");
    EXPECT_EQ(there_and_back(R"({"receipt":{"status":5},"seq":18446744073709551615})"),
              R"({"seq":"18446744073709551615","receipt":{"status":"RECEIPT_STATUS_REFUSED"}})");
    EXPECT_EQ(there_and_back(R"({"receipt":{"status":77},"seq":1})"), R"({"seq":"1","receipt":{"status":77}})");
}

TEST(Json, SeveralFramesAreAnArray) {
    EXPECT_EQ(there_and_back(R"([{"ping":{"id":"1"}},{"pong":{}}])"), R"([{"ping":{"id":"1"}},{"pong":{}}])");
    EXPECT_EQ(there_and_back("[]"), "[]");
}

TEST(Json, MembersOfALaterVersionAreSkipped) {
    EXPECT_EQ(there_and_back(R"({"colour":[1,{"a":{}}],"ping":{"id":1,"mood":"good"}})"), R"({"ping":{"id":"1"}})");
}

TEST(Json, HintsOfALaterVersionAreSkipped) {
    EXPECT_EQ(there_and_back(R"({"hintTyping":{"to":"grace"}})"), "[]");
    EXPECT_EQ(there_and_back(R"({"hint_typing":[],"acks":[],"seq":"0","lane":2})"), "[]");
    EXPECT_EQ(there_and_back(R"([{"ping":{"id":1}},{"hintTyping":{}},{"ping":{"id":2}}])"),
              R"([{"ping":{"id":"1"}},{"ping":{"id":"2"}}])");
    EXPECT_EQ(there_and_back(R"({"hintTyping":{},"ping":{"id":1}})"), R"({"ping":{"id":"1"}})");
    EXPECT_EQ(there_and_back(R"({"hintTyping":{},"acks":[{"received":"1"}]})"), R"({"acks":[{"received":"1"}]})");

    EXPECT_EQ(complaint(R"({"hintTyping":{},"seq":1})"), "hintTyping: not a frame of version 1");
    EXPECT_EQ(complaint(R"({"seq":1,"hintTyping":{},"acks":[{}]})"),
              "seq: only data, chunk, receipt, request, response and feed frames have a number");
    for (const char* const name : {"hint", "hinted", "Hint", "a_hint"}) {
        EXPECT_EQ(complaint("{\"" + std::string(name) + "\":{}}"), std::string(name) + ": not a frame of version 1");
    }
}

TEST(Json, BytesOfAnExactLengthAreSoOrLeftOut) {
    const auto hello = [](const std::string& proof) {
        return R"({"hello":{"version":1,"user":"ada","attemptId":"00010203-0405-0607-0809-0a0b0c0d0e0f","ticketProof":")" +
               proof + R"("}})";
    };
    EXPECT_EQ(complaint(hello("YQ==")), "hello.ticketProof: expected 32 bytes in base64");
    EXPECT_FALSE(read(hello("")).error);
    EXPECT_FALSE(decode_all(read(hello(std::string(43, 'A'))).batch));
    EXPECT_EQ(complaint(R"({"refused":{"challenge":"YQ=="}})"), "refused.challenge: expected 16 bytes in base64");
    EXPECT_EQ(complaint(R"({"hello":{"resume":{"nonce":"","mac":""}}})"),
              "hello.resume.nonce: expected 16 bytes in base64");
}

TEST(Json, ErrorsNameTheFieldAtFault) {
    EXPECT_EQ(complaint(R"({"hello":{"attemptId":"AAAA"}})"),
              "hello.attemptId: expected 16 bytes in base64, or a UUID");
    EXPECT_EQ(complaint(R"({"hello":{"attempt_id":7}})"), "hello.attemptId: expected 16 bytes in base64, or a UUID");
    EXPECT_EQ(complaint(R"({"hello":{"user":7}})"), "hello.user: expected a string");
    EXPECT_EQ(complaint(R"({"hello":[]})"), "hello: expected an object");
    EXPECT_EQ(complaint(R"({"hello":{"resume":{"ticket":"","mac":""}}})"),
              "hello.resume.nonce: expected 16 bytes in base64");
    EXPECT_EQ(complaint(R"({"hello":{"platform":"web"}})"), "hello.platform: expected a name like PLATFORM_SERVER");
    EXPECT_EQ(complaint(R"({"hello":{"received":{}}})"), "hello.received: expected an array");
    EXPECT_EQ(complaint(R"({"acks":[{"lane":1},{"lane":16}]})"), "acks[1].lane: expected a whole number from 0 to 15");
    EXPECT_EQ(complaint(R"([{"ping":{}},{"ping":{"id":-1}}])"),
              "[1].ping.id: expected a whole number from 0 to 18446744073709551615");
    EXPECT_EQ(complaint(R"({"goodbye":{"sessionEnds":1}})"), "goodbye.sessionEnds: expected true or false");
    EXPECT_EQ(complaint(R"({"seq":1,"data":{"message":{"timestampMs":"soon"}}})"),
              "data.message.timestampMs: expected a whole number");
    EXPECT_EQ(complaint(R"({"seq":1,"data":{"message":{"payload":"!"}}})"),
              "data.message.payload: expected bytes in base64");
    EXPECT_EQ(complaint(R"({"seq":1,"data":{"message":{"payload":"","text":""}}})"),
              "data.message.payload: cannot stand beside text");
    EXPECT_EQ(complaint(R"({"seq":1,"data":{"message":{"text":1}}})"),
              "data.message.payload: text, which stands for it, must be a string");
    EXPECT_EQ(complaint(R"({"ping":{},"data":{}})"), "has both ping and data: only one can be");
    EXPECT_EQ(complaint(R"({"data":{}})"),
              "seq: data, chunk, receipt, request, response and feed frames need a number, from 1");
    EXPECT_EQ(complaint(R"({"seq":3,"ping":{}})"),
              "seq: only data, chunk, receipt, request, response and feed frames have a number");
    EXPECT_EQ(complaint(R"({"mesage":{}})"), "mesage: not a frame of version 1");
    EXPECT_EQ(complaint("{}"), "a frame needs a body (hello, data, ping, ...) or acks");
    EXPECT_EQ(complaint(R"({"acks":[]})"), "a frame needs a body (hello, data, ping, ...) or acks");
    EXPECT_EQ(complaint("[[]]"), "[0]: expected a frame as an object");
    EXPECT_EQ(complaint("7"), "expected a frame as an object");
}

TEST(Json, WhatIsNotJsonIsRefusedWithThePlace) {
    for (const char* text :
         {"", " ", "{", "{\"ping\":}", "{'ping':{}}", "nul", "{\"ping\":{\"id\":01}}", "\"\\ud800\"", "{}{"}) {
        EXPECT_TRUE(complaint(text).starts_with("not JSON, at byte ")) << text << ": " << complaint(text);
    }
    EXPECT_EQ(complaint("{\"ping\":{}} x"), "not JSON, at byte 12: something follows the value");
    EXPECT_TRUE(complaint(std::string(10'000, '[')).starts_with("not JSON"));  // nested too deeply to be followed
}

TEST(Json, NumbersThatAreNotWholeOrTooWideAreRefused) {
    for (const char* id :
         {"1.5", "-1", "1e30", "\"\"", "\" 1\"", "\"1x\"", "\"-1\"", "\"18446744073709551616\"", "true", "{}"}) {
        complaint(R"({"ping":{"id":)" + std::string(id) + "}}");
    }
    complaint(R"({"hello":{"lanes":4294967296}})");
    complaint(R"({"seq":1,"data":{"message":{"timestampMs":9223372036854775808}}})");
    EXPECT_EQ(
        there_and_back(
            R"({"seq":1,"data":{"message":{"id":"AAECAwQFBgcICQoLDA0ODw","timestampMs":-9223372036854775808}}})"),
        R"({"seq":"1","data":{"message":{"id":"AAECAwQFBgcICQoLDA0ODw==","timestampMs":"-9223372036854775808"}}})");
}

TEST(Json, TextThatIsNotUtf8IsToldApart) {
    EXPECT_EQ(read("{\"hello\":{\"user\":\"\xff\"}}").error, errc::invalid_utf8);
}

TEST(Json, LimitsHoldAtTheirEdges) {
    const auto hello = [](std::size_t name) { return R"({"hello":{"user":")" + std::string(name, 'a') + R"("}})"; };
    EXPECT_FALSE(read(hello(kMaxNameBytes)).error);
    EXPECT_EQ(complaint(hello(kMaxNameBytes + 1)), "hello.user: longer than 256 bytes");

    std::string states = "{}";
    for (std::size_t i = 1; i < kMaxLanes; ++i) states += ",{}";
    EXPECT_FALSE(read("{\"acks\":[" + states + "]}").error);
    EXPECT_EQ(complaint("{\"acks\":[{}," + states + "]}"), "acks: more than 16 elements");

    const auto ping = [](std::size_t padding) {
        return R"({"ping":{"padding":")" + std::string(padding / 3 * 4, 'A') + R"("}})";
    };
    EXPECT_FALSE(read(ping(kMaxFrameBytes - 11)).error);
    const Read too_long = read(ping(kMaxFrameBytes));
    EXPECT_EQ(too_long.error, errc::frame_too_large);
    EXPECT_EQ(too_long.text, "the frame is longer than 131072 bytes: send it in chunks");

    const std::string blanks(kMaxBatchBytes, ' ');
    EXPECT_EQ(read("[]" + blanks.substr(2)).error, boost::system::error_code());
    EXPECT_EQ(read("[]" + blanks).error, errc::batch_too_large);
}

TEST(Json, AnEnumOfAnyNumberCanBeReadAgain) {
    for (const char* number : {"ffffffff08", "8080808010", "ffffffffffffffffff01"}) {  // 2^31 - 1 and above
        const std::string content = from_hex("20" + std::string(number));              // platform
        const std::string frame = std::string("\x52") + static_cast<char>(content.size()) + content;
        const std::string json = batch_to_json(static_cast<char>(frame.size()) + frame).value();
        EXPECT_EQ(json, R"({"hello":{"platform":2147483647}})");
        EXPECT_TRUE(json_to_batch(json));
    }
}

TEST(Json, OfAFieldThatComesTwiceTheLastOneCounts) {
    EXPECT_EQ(batch_to_json(from_hex("06 7a04 0805 0807")).value(), R"({"ping":{"id":"7"}})");
    EXPECT_EQ(batch_to_json(from_hex("06 7a04 0805 0800")).value(), R"({"ping":{}})");
    EXPECT_EQ(batch_to_json(from_hex("07 5205 120161 1200")).value(), R"({"hello":{}})") << "a text";
    EXPECT_EQ(batch_to_json(from_hex("07 7a05 120161 1200")).value(), R"({"ping":{}})") << "bytes";
}

TEST(Json, BatchesThatAreDamagedAreRefused) {
    EXPECT_EQ(batch_to_json("\x05").error(), errc::malformed_frame);
    EXPECT_EQ(batch_to_json(from_hex("03 5201ff")).error(), errc::malformed_frame);
    EXPECT_EQ(batch_to_json(from_hex("05 5203 1201ff")).error(), errc::invalid_utf8);
    EXPECT_EQ(batch_to_json(from_hex("02 0a00")).error(), errc::malformed_frame);  // a lane that is bytes
}

}  // namespace
}  // namespace flare::wire::test
