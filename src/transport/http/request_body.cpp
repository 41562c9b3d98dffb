#include "transport/http/request_parser.hpp"

#include <algorithm>

namespace flare::transport::http {
namespace {

constexpr std::size_t kMaxChunkLine = 256;  // a size, and extensions that nobody has a use for
constexpr std::size_t kMaxTrailerBytes = 4096;

int hex_digit(char c) noexcept {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

}  // namespace

BodyParser::BodyParser(const RequestHead& head, std::size_t max_bytes)
    : max_bytes_(max_bytes), chunked_(head.chunked), left_(head.content_length) {
    if (chunked_) {
        part_ = Part::size;
    } else if (left_ == 0) {
        state_ = ParseState::done;
    } else if (left_ > max_bytes_) {
        state_ = refuse_length();
    }
}

ParseState BodyParser::refuse(unsigned status, std::string text) {
    refusal_ = {status, std::move(text)};
    body_.clear();
    return state_ = ParseState::refused;
}

ParseState BodyParser::refuse_length() {
    return refuse(413, "the body is longer than " + std::to_string(max_bytes_) + " bytes");
}

ParseState BodyParser::feed(std::string_view bytes) {
    while (state_ == ParseState::incomplete && !bytes.empty()) {
        if (part_ == Part::data) {
            take_data(bytes);
        } else if (take_line(bytes)) {
            read_line();
            line_.clear();
        }
    }
    if (state_ == ParseState::done) rest_.append(bytes);
    return state_;
}

void BodyParser::take_data(std::string_view& bytes) {
    const auto taken = static_cast<std::size_t>(std::min<std::uint64_t>(left_, bytes.size()));
    body_.append(bytes.substr(0, taken));
    bytes.remove_prefix(taken);
    left_ -= taken;
    if (left_ != 0) return;
    part_ = Part::data_end;
    if (!chunked_) state_ = ParseState::done;
}

bool BodyParser::take_line(std::string_view& bytes) {
    const std::size_t end = bytes.find('\n');
    const std::size_t taken = end == std::string_view::npos ? bytes.size() : end + 1;
    const std::size_t most = part_ == Part::trailer ? kMaxTrailerBytes - trailer_bytes_ : kMaxChunkLine;
    if (line_.size() + taken > most) {
        refuse(400, "bad HTTP request: a line between the chunks of the body is too long");
        return false;
    }
    line_.append(bytes.substr(0, taken));
    bytes.remove_prefix(taken);
    if (end == std::string_view::npos) return false;
    if (part_ == Part::trailer) trailer_bytes_ += line_.size();
    if (line_.size() < 2 || line_.find('\r') != line_.size() - 2) {
        refuse(400, "bad HTTP request: a line between the chunks of the body has no proper end");
        return false;
    }
    line_.resize(line_.size() - 2);
    return true;
}

void BodyParser::read_line() {
    switch (part_) {
        case Part::data: return;
        case Part::size: return read_size();
        case Part::data_end:
            part_ = Part::size;
            if (!line_.empty()) refuse(400, "bad HTTP request: a chunk is longer than it says");
            return;
        case Part::trailer:
            if (line_.empty()) state_ = ParseState::done;
            return;
    }
}

void BodyParser::read_size() {
    std::size_t digits = 0;
    left_ = 0;
    for (; digits < line_.size() && hex_digit(line_[digits]) >= 0; ++digits) {
        left_ = left_ * 16 + static_cast<std::uint64_t>(hex_digit(line_[digits]));
        if (left_ > max_bytes_ - body_.size()) {
            refuse_length();
            return;
        }
    }
    const std::size_t extension = line_.find_first_not_of(" \t", digits);
    const bool ends_well = digits == line_.size() || (extension != std::string::npos && line_[extension] == ';');
    if (digits == 0 || !ends_well || line_.find('\0') != std::string::npos) {
        refuse(400, "bad HTTP request: the size of a chunk cannot be read");
        return;
    }
    part_ = left_ == 0 ? Part::trailer : Part::data;
}

}  // namespace flare::transport::http
