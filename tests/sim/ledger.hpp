// What really happened, and the promises it is held against: docs/simulator.md lists them.
#pragma once

#include "session/client_session.hpp"
#include "session/session_table.hpp"
#include "sim/world.hpp"

#include <map>
#include <set>
#include <string>
#include <vector>

namespace flare::sim {

// Payloads say who wrote them: "conversation ordinal padding".
struct Letter {
    std::string conversation;
    std::uint64_t ordinal = 0;
};
std::string write_letter(const std::string& conversation, std::uint64_t ordinal, std::size_t size);
Letter read_letter(World& world, std::string_view payload);

class Ledger {
public:
    // `remembered`: how long a client knows the ids of what it was given.
    Ledger(World& world, session::Duration remembered) : world_(world), remembered_(remembered) {}

    // ---- client to server ----
    void client_sends(const Uuid& id, const std::string& conversation, std::uint64_t ordinal);
    void server_acts(std::uint64_t life, const Uuid& id, const Letter& letter);
    // The same of a message to a user, when one of the user's sessions has taken it.
    void forwarded(const session::SessionId& id, const Uuid& message, const Letter& letter);
    void client_hears(const session::Outcome& outcome);
    // The same of a message to a conversation, when it is in its log.
    void stored(const Uuid& id);
    // It was refused, and is judged anew if it comes again: perhaps behind what was sent later.
    void may_come_late(const Uuid& id) { late_.insert(id); }
    // It is in a log a second time, as another message.
    void comes_again(const Uuid& message) { again_.insert(message); }
    // Messages that will have no outcome: the client process that sent them is no more.
    void client_dies(const std::string& conversation_prefix);
    std::size_t without_outcome() const { return open_.size(); }
    bool acted_on(const Uuid& id) const { return acted_.contains(id); }

    // ---- server to client, users among themselves ----
    // Between users a client is promised each message once, and in order within one of its sessions: a sender whose
    // message was lost with the recipient's session may bring it again later.
    void delivered_to(const std::string& client, const session::SessionId& id, const Uuid& message,
                      const Letter& letter);
    void session_takes(const session::SessionId& id, const Letter& letter) {
        taken_[id].push_back(letter.conversation + " " + std::to_string(letter.ordinal));
    }
    void client_takes(const session::SessionId& id, const Letter& letter) {
        got_[id].push_back(letter.conversation + " " + std::to_string(letter.ordinal));
    }
    // What a client got of a session is the beginning of what the session took, conversation by conversation;
    // of one that lived on, all of it.
    void compare(const session::SessionId& id, bool complete);
    const std::map<session::SessionId, std::vector<std::string>>& taken() const { return taken_; }

    // ---- sessions ----
    void created(std::uint64_t life, const Uuid& attempt, const session::SessionId& id);
    void ended(const session::SessionId& id, errc reason);
    // The server ends it for a reason of its own, which its client may hear before it is over.
    void cut_short_by_server(const session::SessionId& id) { cut_short_.insert(id); }
    bool cut_short(const session::SessionId& id) const { return cut_short_.contains(id); }
    bool lives(const session::SessionId& id) const { return alive_.contains(id); }
    void all_gone() { alive_.clear(); }

private:
    World& world_;
    const session::Duration remembered_;
    struct Sent {
        std::string conversation;
        std::uint64_t ordinal;
    };
    std::map<Uuid, Sent> open_;  // sent, no outcome yet
    std::map<Uuid, Sent> everything_;
    std::set<Uuid> acted_;  // in any life
    std::set<std::pair<session::SessionId, Uuid>> forwarded_;
    std::set<Uuid> late_;  // may come behind what was sent later
    std::set<Uuid> again_;
    std::set<Uuid> withdrawn_;                                          // whose client heard not_connected
    std::set<std::pair<std::uint64_t, Uuid>> acted_in_;                 // (life, id)
    std::map<std::string, std::uint64_t> last_acted_;                   // life and conversation -> ordinal
    std::map<std::pair<std::string, Uuid>, session::TimePoint> given_;  // (client, id) -> when last
    std::map<std::string, std::uint64_t> last_given_;                   // session and conversation -> ordinal
    std::map<session::SessionId, std::vector<std::string>> taken_;
    std::map<session::SessionId, std::vector<std::string>> got_;
    std::set<std::pair<std::uint64_t, Uuid>> attempts_;
    std::set<session::SessionId> alive_;
    std::set<session::SessionId> cut_short_;
};

}  // namespace flare::sim
