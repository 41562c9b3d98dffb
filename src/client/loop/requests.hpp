// The requests of a client for which calls wait: asked, and answered by one response or a series of them.
//
// A server that answers what nobody has asked, twice, or with more than it may, is not believed; the session goes on.
//
// Protocol: docs/protocol.md, "Requests".
// Threads:  its client's I/O thread.
// Owner:    ClientLoop.
#pragma once

#include "session/client_session.hpp"
#include "wire/compression.hpp"

#include <boost/unordered/unordered_flat_map.hpp>

#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace flare::client {

// What is asked.
struct Call {
    wire::Verb verb = wire::Verb::unspecified;
    std::string conversation;
    std::string body;
};

// What comes of it: the bodies of all responses, or why there are none.
struct Answer {
    errc code = errc::ok;
    std::string text{};
    std::vector<Bytes> bodies{};
    wire::Encodings encodings = 0;     // of payloads in them
    std::uint32_t retry_after_ms = 0;  // of a refusal: when to ask again; 0: it does not say
};
using AnswerDone = std::function<void(Answer)>;

class Requests {
public:
    // Of a series; beyond it the call is failed. A page is at most 1 MiB of payloads and their names.
    static constexpr std::size_t kMostResponses = 64;
    static constexpr std::size_t kMostBytes = 2 * wire::kMaxResponseBytes;

    explicit Requests(session::ClientSession& session) : session_(session) {}

    // `can_be_sent`: ok, or why nothing can.
    void send(const Call& call, AnswerDone done, errc can_be_sent);
    void on_response(const wire::ResponseView& response, const Bytes& whole);
    void on_failed(const Uuid& id, errc code, const std::string& text);
    // Every call that waits completes with client_closed.
    void close();

private:
    struct Waiting {
        AnswerDone done;
        std::vector<Bytes> bodies{};
        std::size_t bytes = 0;
    };
    void answer(const Uuid& id, Answer answer);

    session::ClientSession& session_;
    boost::unordered_flat_map<Uuid, Waiting, std::hash<Uuid>> waiting_;
};

}  // namespace flare::client
