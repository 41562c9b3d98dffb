// Answers that come before the answer: 100 Continue, 102 Processing, 103 Early Hints. Every reader of HTTP answers
// passes over them, within a bound.
//
// Protocol: RFC 9110 section 15.2. 101 is none of them: it is the last that HTTP has to say on its connection.
// Threads:  one at a time.
#pragma once

#include <cstddef>
#include <string_view>

namespace flare::transport::http {

class InterimAnswers {
public:
    static constexpr std::size_t kMost = 16;

    // `most_bytes`: of all of their headers together.
    explicit InterimAnswers(std::size_t most_bytes) : most_bytes_(most_bytes) {}

    static bool is_one(unsigned status) noexcept { return status >= 100 && status < 200 && status != 101; }

    // One more, with a header of so many bytes. False: too much of it; the server has to be given up.
    bool pass(std::size_t header_bytes) noexcept {
        ++count_;
        bytes_ += header_bytes;
        return count_ <= kMost && bytes_ <= most_bytes_;
    }
    std::size_t bytes() const noexcept { return bytes_; }

private:
    std::size_t most_bytes_;
    std::size_t count_ = 0;
    std::size_t bytes_ = 0;
};

// Of all that a server has written: what follows the interim answers at its beginning.
inline std::string_view without_interim(std::string_view answer) noexcept {
    constexpr std::size_t kStatusAt = 9;  // "HTTP/1.1 "
    while (answer.starts_with("HTTP/1.") && answer.size() > kStatusAt + 3 && answer[kStatusAt] == '1' &&
           answer.substr(kStatusAt, 3) != "101") {
        const std::size_t end = answer.find("\r\n\r\n");
        if (end == std::string_view::npos) break;
        answer.remove_prefix(end + 4);
    }
    return answer;
}

}  // namespace flare::transport::http
