#include "sim/requests.hpp"

#include <algorithm>

namespace flare::sim {

void RequestLedger::client_asks(const wire::RequestView& request, const std::string& client, std::uint64_t ordinal) {
    const Asked asked{client, std::string(request.body), ordinal, wire::writes(request.verb), 0};
    open_[request.id] = asked;
    everything_[request.id] = asked;
}

void RequestLedger::client_hears(const wire::ResponseView& response) {
    const auto found = open_.find(response.id);
    world_.require(found != open_.end(), "a response answers a request that is open");
    if (response.code == errc::ok) world_.require(handed_up_.contains(response.id), "what is answered was handed up");
    if (echoes_) hears_echo(found->second, response);
    if (!response.more) open_.erase(found);
}

void RequestLedger::hears_echo(Asked& asked, const wire::ResponseView& response) {
    if (response.code == errc::ok) {
        // A repeat in another session is answered from the beginning.
        if (response.body == piece(asked.body, 0)) asked.heard = 0;
        const bool in_order = response.body == piece(asked.body, asked.heard++);
        world_.require(in_order, "responses come as they were sent, each once");
        world_.require(response.more == (asked.heard != pieces_of(asked.body)), "the last response is known as such");
        world_.happened(response.more ? "response with others to follow" : "response");
    } else {
        const bool full = response.code == errc::busy || response.code == errc::recipient_busy;
        world_.require(full && !response.more, "an honest request is refused for want of room alone");
        world_.happened("refused request");
    }
}

void RequestLedger::answered(const Uuid& id, bool later) {
    answered_.insert(id);
    // Of one that two sessions have asked, an earlier one and its successor, each hears for itself.
    const std::size_t sessions = std::erase_if(handed_up_in_, [&](const auto& each) { return each.first == id; });
    if (later && sessions < 2) handed_up_.erase(id);
}

void RequestLedger::client_gives_up(const Uuid& id, errc code) {
    const auto found = open_.find(id);
    world_.require(found != open_.end(), "a request has exactly one outcome");
    world_.trace("gives up a request: " + std::string(name(code)));
    switch (code) {
        case errc::connection_lost:
            world_.require(!found->second.writes, "what changes something is not failed with its session");
            world_.happened("request lost with its session");
            break;
        case errc::outcome_unknown:
            world_.require(found->second.writes, "what only reads has no unknown outcome");
            break;
        case errc::busy:
            world_.require(!found->second.writes || !handed_up_.contains(id), "an unknown outcome is called one");
            world_.happened("request without an answer for too long");
            break;
        case errc::not_connected:
            world_.require(!handed_up_.contains(id), "a request that is called not sent was not handed up");
            withdrawn_.insert(id);
            break;
        default: world_.violated("a request is not failed for this reason: " + std::string(name(code)));
    }
    open_.erase(found);
}

void RequestLedger::client_dies(const std::string& client) {
    std::erase_if(open_, [&](const auto& each) { return each.second.client == client; });
}

void RequestLedger::server_asked(const session::ServerSession& session, const wire::RequestView& request,
                                 session::LaneIndex lane) {
    const auto found = everything_.find(request.id);
    world_.require(found != everything_.end(), "only what was asked is handed up");
    const Asked& asked = found->second;
    world_.require(asked.body == request.body && asked.writes == wire::writes(request.verb),
                   "a request arrives as it was sent");
    // A change whose answer found no room is sent again in the session, as a repeat.
    const bool first_in_session = handed_up_in_.emplace(request.id, session.id()).second;
    world_.require(first_in_session || (asked.writes && request.first_sent_ms_ago > 0),
                   "a request is handed up once in a session");
    const bool again = !handed_up_.insert(request.id).second;
    if (again) world_.happened("repeated request");
    world_.require(!again || asked.writes, "what only reads is not asked again by itself");
    world_.require(!again || request.first_sent_ms_ago > 0, "what was handed up before comes again as a repeat");
    world_.require(!withdrawn_.contains(request.id), "a request that is called not sent is never handed up");
    if (answered_.contains(request.id)) return;  // it comes again for a reason of its own
    std::uint64_t& last = last_[{session.id(), lane}];
    // But for changes that were put off.
    world_.require(asked.ordinal > last || asked.writes, "the requests of a lane are handed up in order");
    last = std::max(last, asked.ordinal);
}

}  // namespace flare::sim
