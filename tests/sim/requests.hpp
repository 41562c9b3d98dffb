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
    // `echoes`: the server says everything again, in pieces.
    RequestLedger(World& world, bool echoes) : world_(world), echoes_(echoes) {}

    // ---- the client ----
    // `ordinal`: among its requests.
    void client_asks(const wire::RequestView& request, const std::string& client, std::uint64_t ordinal);
    void client_hears(const wire::ResponseView& response);
    void client_gives_up(const Uuid& id, errc code);
    // Requests that will have no outcome: the client process that sent them is no more.
    void client_dies(const std::string& client);
    std::size_t without_outcome() const { return open_.size(); }

    // ---- the server: it hands one up ----
    void server_asked(const session::ServerSession& session, const wire::RequestView& request, session::LaneIndex lane);

    // ---- the server: a session had no room for one, and those that were sent behind it go first ----
    void had_no_room(const Uuid& id) { without_room_.insert(id); }
    bool found_no_room(const Uuid& id) const { return without_room_.contains(id); }

    // ---- the server: it answers one, though its client may hear nothing of it ----
    // `later`: nobody has acted on it, and it may come again as if for the first time.
    void answered(const Uuid& id, bool later);

    // The responses to a request: as many as its body says, each with its number and the body.
    static std::size_t pieces_of(std::string_view body) { return 1 + body.size() % 3; }
    static std::string piece(std::string_view body, std::size_t number) {
        return std::to_string(number) + " " + std::string(body);
    }

private:
    struct Asked {
        std::string client;
        std::string body;
        std::uint64_t ordinal = 0;
        bool writes = false;
        std::size_t heard = 0;  // responses
    };
    void hears_echo(Asked& asked, const wire::ResponseView& response);

    World& world_;
    const bool echoes_;
    std::map<Uuid, Asked> open_;  // no outcome yet
    std::map<Uuid, Asked> everything_;
    std::set<Uuid> handed_up_;
    std::set<std::pair<Uuid, session::SessionId>> handed_up_in_;
    std::set<Uuid> answered_;
    std::set<Uuid> without_room_;
    std::set<Uuid> withdrawn_;  // whose client heard that they were not sent
    std::map<std::pair<session::SessionId, session::LaneIndex>, std::uint64_t> last_;  // ordinal
};

}  // namespace flare::sim
