// What became of requests, and the promises of docs/protocol.md, "Requests", that it is held against.
#pragma once

#include "session/session_table.hpp"
#include "sim/ledger.hpp"
#include "sim/world.hpp"

#include <map>
#include <set>
#include <string>
#include <utility>

namespace flare::sim {

class RequestLedger {
public:
    explicit RequestLedger(World& world) : world_(world) {}

    // ---- the client ----
    void client_asks(const wire::RequestView& request, const std::string& client);
    void client_hears(const wire::ResponseView& response);
    void client_gives_up(const Uuid& id, errc code);
    // Requests that will have no outcome: the client process that sent them is no more.
    void client_dies(const std::string& client);
    std::size_t without_outcome() const { return open_.size(); }

    // ---- the server: it hands one up ----
    void server_asked(const session::ServerSession& session, const wire::RequestView& request, session::LaneIndex lane);

    // The responses to a request: as many as its body says, each with its number and the body.
    static std::size_t pieces_of(std::string_view body) { return 1 + body.size() % 3; }
    static std::string piece(std::string_view body, std::size_t number) {
        return std::to_string(number) + " " + std::string(body);
    }

private:
    struct Asked {
        std::string client;
        std::string body;
        bool writes = false;
        std::size_t heard = 0;  // responses
    };
    World& world_;
    std::map<Uuid, Asked> open_;  // no outcome yet
    std::map<Uuid, Asked> everything_;
    std::set<Uuid> handed_up_;
    std::set<std::pair<session::SessionId, Uuid>> handed_up_in_;
    std::set<Uuid> withdrawn_;  // whose client heard that they were not sent
    std::map<std::pair<session::SessionId, session::LaneIndex>, std::uint64_t> last_;  // ordinal
};

}  // namespace flare::sim
