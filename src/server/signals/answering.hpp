// Answers to requests about signals.
//
// Protocol: docs/protocol.md, "Requests".
// Threads:  its worker's.
#pragma once

#include "server/conversations/store_access.hpp"
#include "server/worker/executor.hpp"
#include "session/session_table.hpp"
#include "wire/signals.hpp"

#include <string>
#include <string_view>

namespace flare::server {

class SignalAnswers {
public:
    static constexpr std::uint32_t kAgainMs = 1000;  // what cannot be read at present may be able to be read then

    SignalAnswers(Executor& executor, session::SessionTable& table) : executor_(executor), table_(table) {}

    template <typename Body>
    void give(const session::PendingRequest& pending, const Body& body) const {
        const std::string encoded = wire::im::encode(body);
        wire::ResponseView response;
        response.body = encoded;
        (void)table_.respond(pending, response, executor_.now());
    }
    void done(const session::PendingRequest& pending) const { give(pending, wire::im::Done()); }
    // `text` empty: that of the code.
    void refuse(const session::PendingRequest& pending, errc code, std::string_view text = {},
                std::uint32_t retry_after_ms = 0) const {
        wire::ResponseView response;
        response.code = said_of(code);
        response.text = text.empty() ? explain(response.code) : text;
        response.retry_after_ms = retry_after_ms;
        const bool later = response.code == errc::busy || response.code == errc::storage_failed;
        if (later && retry_after_ms == 0) response.retry_after_ms = kAgainMs;
        (void)table_.respond(pending, response, executor_.now());
    }

private:
    Executor& executor_;
    session::SessionTable& table_;
};

}  // namespace flare::server
