// Reading requests: the header first, then the body. Sans-I/O: bytes in, a request or the reason for refusing it out.
// However the bytes are cut into pieces, the same comes out, and no byte behind a request is lost.
//
// Strict where two readers of the same bytes might disagree, which is how requests are smuggled past a proxy: one
// length and no more, no folded lines, no line that ends without its CR.
//
// Protocol: RFC 9112 sections 2, 3, 5.2, 6 and 7.
// Threads:  one at a time.
#pragma once

#include "transport/http/request.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace flare::transport::http {

enum class ParseState : std::uint8_t {
    incomplete,  // more bytes are needed
    done,
    refused,  // refusal() says why; the connection cannot go on
};

struct Refusal {
    unsigned status = 400;
    std::string text;  // one line, without its end
};

// Collects a request up to the end of its header.
class HeadParser {
public:
    // max_bytes: request line and header; longer is refused with 431, before its end has come.
    explicit HeadParser(std::size_t max_bytes) : max_bytes_(max_bytes) {}

    // Takes all of `bytes`. Call it until it returns anything but incomplete.
    ParseState feed(std::string_view bytes);
    // Something of a request has come: not only empty lines before it.
    bool begun() const noexcept { return !buffer_.empty(); }

    const RequestHead& head() const noexcept { return head_; }
    RequestHead take_head() { return std::move(head_); }
    const Refusal& refusal() const noexcept { return refusal_; }
    // What came behind the header.
    std::string take_rest() { return std::move(buffer_); }

private:
    ParseState refuse(unsigned status, std::string text);
    ParseState decide(std::string_view header);
    // Empty: all is well.
    std::string read_framing();
    // False: it is neither of the origin form nor of the absolute form.
    bool read_target();

    std::size_t max_bytes_;
    int empty_lines_ = 0;  // before the request
    std::string buffer_;
    RequestHead head_;
    Refusal refusal_;
};

// Collects the body that a header has announced. Trailers are read and dropped.
class BodyParser {
public:
    // max_bytes: of the body; a longer one is refused with 413, before it is taken.
    BodyParser(const RequestHead& head, std::size_t max_bytes);

    ParseState state() const noexcept { return state_; }
    // Takes all of `bytes`. Call it while state() is incomplete.
    ParseState feed(std::string_view bytes);

    std::string take_body() { return std::move(body_); }
    const Refusal& refusal() const noexcept { return refusal_; }
    // What came behind the body.
    std::string take_rest() { return std::move(rest_); }

private:
    enum class Part : std::uint8_t { data, data_end, size, trailer };

    ParseState refuse(unsigned status, std::string text);
    ParseState refuse_length();
    void take_data(std::string_view& bytes);
    // A whole line is in line_, without its end. False: more bytes are needed, or it is refused.
    bool take_line(std::string_view& bytes);
    void read_line();
    void read_size();

    std::size_t max_bytes_;
    bool chunked_;
    ParseState state_ = ParseState::incomplete;
    Part part_ = Part::data;
    std::uint64_t left_ = 0;  // of the body or of this chunk
    std::size_t trailer_bytes_ = 0;
    std::string line_;
    std::string body_;
    std::string rest_;
    Refusal refusal_;
};

}  // namespace flare::transport::http
