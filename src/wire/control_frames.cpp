// Hello, Welcome, Refused, Activate, Goodbye, Ping, Credential, Seal, Request, Response: frames that come once or
// seldom, coded by their tables.
#include "wire/control_tables.hpp"
#include "wire/frame.hpp"

namespace flare::wire {
namespace {

template <typename T>
Body body_of(FrameKind kind, const T& value) {
    const std::size_t size = content_size(value);
    Body body;
    body.kind = kind;
    body.content_offset = static_cast<std::uint32_t>(body_size(kind, size) - size);
    body.bytes =
        Bytes::make(body.content_offset + size, [&](char* out) { put_content(put_body_tag(out, kind, size), value); });
    return body;
}

template <typename T>
Result<T> decode_body(std::string_view body) {
    Result<T> result;  // filled in place
    if (const errc code = read_content(body, *result); code != errc::ok) result = make_error_code(code);
    return result;
}

}  // namespace

Body encode(const Hello& hello) { return body_of(FrameKind::hello, hello); }
Body encode(const Welcome& welcome) { return body_of(FrameKind::welcome, welcome); }
Body encode(const Refused& refused) { return body_of(FrameKind::refused, refused); }
Body encode(const Activate& activate) { return body_of(FrameKind::activate, activate); }
Body encode(const Goodbye& goodbye) {
    Goodbye sent = goodbye;
    for (LaneState& state : sent.final) state = {state.lane, state.received, 0, 0};  // credit makes no sense there
    return body_of(FrameKind::goodbye, sent);
}
Body encode_ping(const Ping& ping) { return body_of(FrameKind::ping, ping); }
Body encode_pong(const Ping& ping) { return body_of(FrameKind::pong, ping); }
Body encode(const CredentialView& credential) { return body_of(FrameKind::credential, credential); }
Body encode(const CredentialState& state) { return body_of(FrameKind::credential_state, state); }
Body encode(const Seal& seal) { return body_of(FrameKind::seal, seal); }
Body encode(const RequestView& request) {
    Body body = body_of(FrameKind::request, request);
    body.cost = request.body.size();
    return body;
}
Body encode(const ResponseView& response) {
    Body body = body_of(FrameKind::response, response);
    body.cost = response.body.size();
    return body;
}

Result<Hello> decode_hello(std::string_view body) {
    Hello hello;
    const errc code = read_content(body, hello);
    if (code == errc::ok) return hello;
    // What a later version means by its fields is not ours to judge: its number alone is the answer.
    if (hello.version > kVersion) {
        Hello newer;
        newer.version = hello.version;
        return newer;
    }
    return make_error_code(code);
}
Result<Welcome> decode_welcome(std::string_view body) { return decode_body<Welcome>(body); }
Result<Refused> decode_refused(std::string_view body) { return decode_body<Refused>(body); }
Result<Activate> decode_activate(std::string_view body) { return decode_body<Activate>(body); }
Result<Goodbye> decode_goodbye(std::string_view body) { return decode_body<Goodbye>(body); }
Result<Ping> decode_ping(std::string_view body) { return decode_body<Ping>(body); }
Result<CredentialView> decode_credential(std::string_view body) { return decode_body<CredentialView>(body); }
Result<CredentialState> decode_credential_state(std::string_view body) { return decode_body<CredentialState>(body); }
Result<Seal> decode_seal(std::string_view body) { return decode_body<Seal>(body); }
Result<SealedView> decode_sealed(std::string_view body) { return decode_body<SealedView>(body); }
Result<RequestView> decode_request(std::string_view body) { return decode_body<RequestView>(body); }
Result<ResponseView> decode_response(std::string_view body) { return decode_body<ResponseView>(body); }

}  // namespace flare::wire
