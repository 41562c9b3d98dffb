#include "transport/websocket/deflate.hpp"

#include <algorithm>
#include <cctype>
#include <iterator>
#include <memory>
#include <new>
#include <utility>
#include <vector>

#include <zlib.h>

namespace flare::transport::websocket {
namespace {

constexpr std::string_view kName = "permessage-deflate";
constexpr int kWindow = -15;  // raw, 32 KiB
constexpr int kLevel = 1;
constexpr std::size_t kKept = 64 * 1024;  // of a thread's memory, between messages
constexpr std::size_t kFirstRoom = 16 * 1024;
// Each block of a compressed message may bring tables that cost more than its bytes say. Compressors end a block after
// thousands of symbols, or where somebody flushes.
constexpr std::size_t kWindowBytes = 32 * 1024;
constexpr int kAtBlockEnd = 128;  // in z_stream::data_type, after Z_BLOCK
constexpr int kInLastBlock = 64;
constexpr std::size_t kAnyBlocks = 64;
constexpr std::size_t kBytesPerBlock = 1024;
// A message is a run of blocks up to a flush, whose last four bytes are left out (RFC 7692 section 7.2.1).
// A block may say that it is the last (BFINAL), of its stream and not of the message: more may follow, from the next
// byte on, and the window stays (section 7.2.3.4).
constexpr std::string_view kTail("\x00\x00\xff\xff", 4);

unsigned char* bytes_of(const char* text) { return reinterpret_cast<unsigned char*>(const_cast<char*>(text)); }

class Room {
public:
    // At least `size` bytes, of which the first `kept` stay.
    char* take(std::size_t size, std::size_t kept = 0) {
        if (size > capacity_ || (kept == 0 && capacity_ > std::max(size, kKept))) {
            auto other = std::make_unique_for_overwrite<char[]>(size);
            std::copy_n(memory_.get(), kept, other.get());
            memory_ = std::move(other);
            capacity_ = size;
        }
        return memory_.get();
    }

private:
    std::unique_ptr<char[]> memory_;
    std::size_t capacity_ = 0;
};

class Tools {
public:
    Tools() = default;
    Tools(const Tools&) = delete;
    Tools& operator=(const Tools&) = delete;
    ~Tools() {
        if (deflating_) deflateEnd(&deflate_);
        if (inflating_) inflateEnd(&inflate_);
    }
    // Each message begins anew: nothing of the one before is left in the window.
    z_stream& deflate() {
        if (!deflating_ && deflateInit2(&deflate_, kLevel, Z_DEFLATED, kWindow, 8, Z_DEFAULT_STRATEGY) != Z_OK)
            throw std::bad_alloc();
        deflating_ = true;
        deflateReset(&deflate_);
        return deflate_;
    }
    z_stream& inflate() {
        if (!inflating_ && inflateInit2(&inflate_, kWindow) != Z_OK) throw std::bad_alloc();
        inflating_ = true;
        inflateReset(&inflate_);
        return inflate_;
    }
    Room deflated;
    Room inflated;

private:
    z_stream deflate_{};
    z_stream inflate_{};
    bool deflating_ = false;
    bool inflating_ = false;
};

Tools& tools() {
    thread_local Tools made;
    return made;
}

// 8 to 15, without a leading zero (RFC 7692 section 7.1.2).
std::optional<int> window_bits(std::string_view text) {
    if (text == "8" || text == "9") return text[0] - '0';
    if (text.size() == 2 && text[0] == '1' && text[1] >= '0' && text[1] <= '5') return 10 + text[1] - '0';
    return std::nullopt;
}

// Sec-WebSocket-Extensions, by RFC 6455 section 9.1: names with parameters, in a list.
class Offers {
public:
    explicit Offers(std::string_view text) : text_(text) {}

    struct Parameter {
        std::string_view name;
        std::optional<std::string> value;
    };
    struct Offer {
        std::string_view name;
        std::vector<Parameter> parameters;
    };
    // Nothing: it is not such a list.
    std::optional<std::vector<Offer>> read() {
        std::vector<Offer> offers;
        for (;;) {
            while (skip(',')) {
            }
            if (text_.empty()) return offers;
            Offer& offer = offers.emplace_back();
            if (!token(offer.name)) return std::nullopt;
            while (skip(';')) {
                Parameter& parameter = offer.parameters.emplace_back();
                if (!token(parameter.name)) return std::nullopt;
                if (skip('=') && !value(parameter.value.emplace())) return std::nullopt;
            }
            blanks();
            if (!text_.empty() && text_.front() != ',') return std::nullopt;
        }
    }

private:
    static bool is_token(char c) {
        return std::isalnum(static_cast<unsigned char>(c)) != 0 ||
               std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
    }
    void blanks() {
        while (!text_.empty() && (text_.front() == ' ' || text_.front() == '\t')) text_.remove_prefix(1);
    }
    bool skip(char wanted) {
        blanks();
        if (text_.empty() || text_.front() != wanted) return false;
        text_.remove_prefix(1);
        return true;
    }
    bool token(std::string_view& found) {
        blanks();
        std::size_t size = 0;
        while (size < text_.size() && is_token(text_[size])) ++size;
        found = text_.substr(0, size);
        text_.remove_prefix(size);
        return size != 0;
    }
    // A token, or one in quotes.
    bool value(std::string& found) {
        std::string_view plain;
        if (!skip('"')) {
            if (!token(plain)) return false;
            found = plain;
            return true;
        }
        if (!token(plain) || text_.empty() || text_.front() != '"') return false;
        text_.remove_prefix(1);
        found = plain;
        return true;
    }

    std::string_view text_;
};

// The answer to one offer; nothing: it is declined.
std::optional<std::string> answer_to(const Offers::Offer& offer) {
    static constexpr std::string_view kKnown[] = {"server_no_context_takeover", "client_no_context_takeover",
                                                  "server_max_window_bits", "client_max_window_bits"};
    bool seen[std::size(kKnown)] = {};
    std::string answer = std::string(kName) + "; server_no_context_takeover; client_no_context_takeover";
    for (const Offers::Parameter& parameter : offer.parameters) {
        const auto* known = std::find(std::begin(kKnown), std::end(kKnown), parameter.name);
        if (known == std::end(kKnown)) return std::nullopt;
        const auto index = static_cast<std::size_t>(known - std::begin(kKnown));
        if (std::exchange(seen[index], true)) return std::nullopt;
        const std::optional<int> bits = window_bits(parameter.value.value_or(""));
        if (index < 2) {
            if (parameter.value) return std::nullopt;
        } else if (index == 2) {
            // A smaller window would need a compressor of its own for each size: such an offer is declined.
            if (bits != 15) return std::nullopt;
            answer += "; server_max_window_bits=15";
        } else if (parameter.value && !bits) {
            return std::nullopt;
        }
    }
    return answer;
}

// Behind a last block. `made`: what the message has come to.
void next_stream(z_stream& stream, std::string_view made) {
    inflateReset(&stream);
    const std::string_view window = made.substr(made.size() - std::min(made.size(), kWindowBytes));
    inflateSetDictionary(&stream, bytes_of(window.data()), static_cast<uInt>(window.size()));
}

}  // namespace

std::optional<std::string> choose_deflate(std::string_view offers) {
    const auto list = Offers(offers).read();
    if (!list) return std::nullopt;
    for (const Offers::Offer& offer : *list) {
        if (offer.name != kName) continue;
        if (auto answer = answer_to(offer)) return answer;
    }
    return std::nullopt;
}

std::optional<std::string_view> deflate_message(std::string_view payload) {
    if (payload.size() < kDeflateFrom || payload.size() > kDeflateUpTo) return std::nullopt;
    z_stream& stream = tools().deflate();
    const std::size_t room = payload.size();  // what does not shrink goes as it is
    char* const out = tools().deflated.take(room);
    stream.next_in = bytes_of(payload.data());
    stream.avail_in = static_cast<uInt>(payload.size());
    stream.next_out = bytes_of(out);
    stream.avail_out = static_cast<uInt>(room);
    if (::deflate(&stream, Z_SYNC_FLUSH) != Z_OK || stream.avail_in != 0 || stream.avail_out == 0) return std::nullopt;
    const std::string_view made(out, room - stream.avail_out);
    if (!made.ends_with(kTail)) return std::nullopt;
    return made.substr(0, made.size() - kTail.size());
}

Result<std::string_view> inflate_message(std::string_view payload, std::size_t max_bytes) {
    if (payload.empty()) return payload;  // not even the end of a block, and nothing is missing
    z_stream& stream = tools().inflate();
    std::size_t made = 0;
    std::size_t room = std::min(max_bytes + 1, kFirstRoom);  // one more shows that it is too much
    char* out = tools().inflated.take(room);
    bool tail = false;
    std::size_t before_tail = 0;
    std::size_t blocks_left = kAnyBlocks + payload.size() / kBytesPerBlock;
    stream.next_in = bytes_of(payload.data());
    stream.avail_in = static_cast<uInt>(payload.size());
    for (;;) {
        stream.next_out = bytes_of(out + made);
        stream.avail_out = static_cast<uInt>(room - made);
        const int done = ::inflate(&stream, Z_BLOCK);  // up to the end of a block
        made = room - stream.avail_out;
        if (made > max_bytes) return make_error_code(errc::batch_too_large);
        if (done == Z_STREAM_END) {
            const bool whole = !tail || made == before_tail;
            if (stream.avail_in == 0 && whole) return std::string_view(out, made);
            if (tail) return make_error_code(errc::websocket_violation);  // the message was cut within its last block
            next_stream(stream, {out, made});
        } else if (done != Z_OK && done != Z_BUF_ERROR) {
            return make_error_code(errc::websocket_violation);
        }
        if (stream.avail_out == 0) {
            room = std::min(max_bytes + 1, room * 2);
            out = tools().inflated.take(room, made);
        } else if (stream.avail_in == 0) {
            if (tail) {
                // Else the tail was taken for what is missing.
                const bool whole = (stream.data_type & kAtBlockEnd) != 0 && made == before_tail;
                return whole ? Result<std::string_view>(std::string_view(out, made))
                             : make_error_code(errc::websocket_violation);
            }
            constexpr int kEnd = kAtBlockEnd | kInLastBlock;
            if ((stream.data_type & kEnd) == kEnd) return std::string_view(out, made);  // no empty block follows
            tail = true;
            before_tail = made;
            stream.next_in = bytes_of(kTail.data());
            stream.avail_in = static_cast<uInt>(kTail.size());
        } else if (--blocks_left == 0) {
            return make_error_code(errc::websocket_violation);
        }
    }
}

}  // namespace flare::transport::websocket
