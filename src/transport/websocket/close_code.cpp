#include "transport/websocket/close_code.hpp"

#include "base/utf8.hpp"

namespace flare::transport::websocket {

bool is_sendable_close_code(std::uint16_t code) noexcept {
    // 1004 is reserved; 1005, 1006 and 1015 stand for closes without a frame. 1012 to 1014 were registered later.
    if (code >= 1000 && code <= 1003) return true;
    if (code >= 1007 && code <= 1014) return true;
    return code >= 3000 && code <= 4999;
}

std::uint16_t close_code_of(errc code) noexcept {
    switch (code) {
        case errc::ok: return 1000;
        case errc::shutting_down: return 1001;
        case errc::websocket_violation: return 1002;
        case errc::text_on_binary:
        case errc::binary_on_text: return 1003;
        case errc::invalid_utf8: return 1007;
        case errc::batch_too_large: return 1009;
        case errc::busy: return 1013;
        default: break;
    }
    const auto number = static_cast<std::uint16_t>(code);
    return static_cast<std::uint16_t>(kFlareCloseBase +
                                      (number < 1000 ? number : static_cast<std::uint16_t>(errc::internal)));
}

errc errc_of_close_code(std::uint16_t code, WireFormat format) noexcept {
    switch (code) {
        case kNoCloseCode:
        case 1000: return errc::ok;
        case 1001:
        case 1012: return errc::shutting_down;
        case 1002: return errc::websocket_violation;
        case 1003: return format == WireFormat::json ? errc::binary_on_text : errc::text_on_binary;
        case 1007: return errc::invalid_utf8;
        case 1009: return errc::batch_too_large;
        case 1013: return errc::busy;
        default: break;
    }
    if (code >= kFlareCloseBase && code < kFlareCloseBase + 1000) return static_cast<errc>(code - kFlareCloseBase);
    return errc::closed_by_peer;
}

std::string close_payload(std::uint16_t code, std::string_view text) {
    std::string payload;
    if (code == kNoCloseCode) return payload;
    payload.push_back(static_cast<char>(code >> 8));
    payload.push_back(static_cast<char>(code & 0xFF));

    std::size_t used = 0;
    while (used < text.size()) {
        // The longest valid character that starts here has at most four bytes.
        std::size_t length = 1;
        while (length <= 4 && used + length <= text.size() && !base::is_utf8(text.substr(used, length))) ++length;
        const bool valid = length <= 4 && used + length <= text.size();
        const std::string_view piece = valid ? text.substr(used, length) : std::string_view("?");
        if (payload.size() + piece.size() > 2 + kMaxCloseReasonBytes) break;
        payload.append(piece);
        used += valid ? length : 1;
    }
    return payload;
}

}  // namespace flare::transport::websocket
