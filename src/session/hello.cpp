// The first frame of a carrier, before a session is known.
#include "model/target.hpp"
#include "session/session_table.hpp"

namespace flare::session {

Result<wire::Hello> read_hello(std::string_view batch, std::string_view& rest) {
    // Frames carry their length in front, so the reader can stop after the first and the rest be kept as it is.
    wire::BatchReader reader(batch);
    wire::FrameView frame;
    if (reader.done()) return errc::malformed_frame;
    if (const auto read = reader.next(frame); !read) return read.error();
    if (frame.kind != wire::FrameKind::hello) return errc::unexpected_frame;
    auto hello = wire::decode_hello(frame.body);
    if (!hello) return hello.error();
    if (hello->version != wire::kVersion) return errc::unsupported_version;
    if (hello->attempt_id.is_nil() || hello->user.empty()) return errc::malformed_frame;
    if (model::is_reserved(hello->user)) return errc::reserved_name;
    if (hello->resume && !hello->token.empty()) return errc::malformed_frame;
    rest = reader.rest();
    return hello;
}

void write_refusal(wire::Batch& batch, const wire::Refused& refused) { batch.add({}, wire::encode(refused)); }

bool SessionTable::may_say_hello_again(errc code) noexcept {
    return code == errc::session_unknown || code == errc::session_expired || code == errc::session_ended ||
           code == errc::ticket_invalid;
}

}  // namespace flare::session
