// Golden frames that have to be refused with their code: docs/vectors/bad-*.txt.
#include "support.hpp"
#include "vector_values.hpp"

namespace flare::wire::test {

void add_refused(std::vector<VectorCase>& cases) {
    const auto add = [&](std::string name, std::string about, std::string batch, errc code = errc::malformed_frame) {
        cases.push_back({"bad-" + std::move(name), std::move(about), VectorUse::refused, std::move(batch),
                         std::string(flare::name(code))});
    };
    add("cut-length", "The length before a frame does not end", from_hex("80"));
    add("cut-frame", "The batch ends inside its frame", from_hex("04 7a 02 08"));
    add("too-large", "A frame that says it is 131,073 bytes long", from_hex("81 80 08"), errc::frame_too_large);
    add("long-varint", "A number of more than 64 bits", raw_frame("7a 0b 08 ff ff ff ff ff ff ff ff ff 02"));
    add("field-zero", "A field numbered 0", raw_frame("02 00"));
    add("group", "A group, which proto3 does not have", raw_frame("23 24"));
    add("wire-type", "An epoch that is not a number", raw_frame("6a 03 0a 01 31"));
    add("body-number", "A ping that is a number", raw_frame("78 01"));
    add("lane", "Lane 16, where at most 16 can be", raw_frame("08 10 10 01 8a 01 00"));
    add("wide-lane", "A lane of more than 32 bits, which would be 0 if its high bits were dropped",
        raw_frame("08 80 80 80 80 10 10 01 8a 01 00"));
    add("no-number", "Data without a number", raw_frame("8a 01 00"));
    add("numbered-ping", "A ping with a number", raw_frame("10 01 7a 02 08 01"));
    add("later-kind", "A kind of frame (field 99) that must be known, and is not", raw_frame("9a 06 00"),
        errc::unexpected_frame);
    add("numbered-hint", "A kind of frame that may be passed over (field 101) does so without a number",
        raw_frame("10 05 aa 06 00"));
    add("request-number", "A request without a number", raw_frame("c2 01 00"));
    add("request-id", "A request with an id of 15 bytes",
        raw_frame("10 01 c2 01 11 0a 0f 000102030405060708090a0b0c0d0e"));
    add("response-text", "A response with a text that is not UTF-8", raw_frame("10 01 ca 01 04 1a 02 c3 28"),
        errc::invalid_utf8);
    add("feed-number", "A feed without a number in its lane", raw_frame("20 07 d2 01 00"));
    add("feed-id", "A feed whose own number has more than 32 bits", raw_frame("10 01 20 80 80 80 80 10 d2 01 00"));
    add("feed-epoch", "A feed that is reset to an epoch that is a varint",
        raw_frame("10 01 20 07 d2 01 04 12 02 28 05"));
    add("epoch", "A receipt whose epoch is a varint, where 8 bytes must be", raw_frame("10 01 9a 01 02 30 05"));
    add("cut-epoch", "A receipt that ends inside its epoch", raw_frame("10 01 9a 01 05 31 01 02 03 04"));
    add("id", "A message id of 15 bytes", raw_frame("10 01 8a 01 13 12 11 0a 0f 000102030405060708090a0b0c0d0e"));
    add("utf8", "A user that is not UTF-8", raw_frame("52 06 08 01 12 02 c3 28"), errc::invalid_utf8);
    add("nonce", "A resume with a nonce of one byte", raw_frame("52 07 08 01 42 03 12 01 61"));
    add("seal", "A handshake message of 49 bytes", raw_frame("ba 01 33 12 31" + to_hex(std::string(49, 'x'))));
    Hello hello = new_hello();
    hello.user.assign(kMaxNameBytes + 1, 'a');
    add("name", "A user of 257 bytes", frame_of(encode(hello)));
}

}  // namespace flare::wire::test
