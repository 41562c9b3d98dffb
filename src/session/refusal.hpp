// A refusal, made in one place: of a Hello (wire::Refused) or of a message (Receipt).
//
// Threads: values only.
#pragma once

#include "session/dedupe.hpp"

#include <string>
#include <utility>

namespace flare::session {

struct Refusal {
    errc code;
    std::string text;
    std::uint32_t retry_after_ms;

    operator wire::Refused() && {  // NOLINT(google-explicit-constructor): it is what is returned
        wire::Refused refused;
        refused.code = code;
        refused.text = std::move(text);
        refused.retry_after_ms = retry_after_ms;
        return refused;
    }
    operator Receipt() && {  // NOLINT(google-explicit-constructor)
        return {wire::ReceiptStatus::refused, code, std::move(text), retry_after_ms};
    }
};

inline Refusal make_refusal(errc code, std::string text, std::uint32_t retry_after_ms = 0) {
    return {code, std::move(text), retry_after_ms};
}

}  // namespace flare::session
