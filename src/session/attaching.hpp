// Attaches carriers to sessions: a Hello creates a session, joins one, or is refused.
//
// Protocol: docs/protocol.md, "Attaching a carrier".
// Threads:  its worker only; no I/O, no clock.
// Owner:    SessionTable.
#pragma once

#include "base/random.hpp"
#include "session/expected.hpp"
#include "session/lasting_ticket.hpp"
#include "session/session_life.hpp"
#include "session/shedding.hpp"

#include <optional>
#include <string>

namespace flare::session {

class Attaching {
public:
    struct Parts {
        const Settings& settings;
        Budget& budget;
        SessionTableListener& listener;
        SessionIndex& sessions;
        Devices& devices;
        const Tombstones& tombstones;
        Expected& expected;
        SessionLife& life;
        Shedding& shedding;
        MessageFlow& messages;
        RequestFlow& requests;
    };
    Attaching(const Parts& parts, base::Random& random, const TicketKeys* ticket_keys)
        : parts_(parts), random_(random), ticket_keys_(ticket_keys) {}

    void offer(const wire::Compression* compression, bool conversations) noexcept {
        compression_ = compression;
        conversations_ = conversations;
    }

    // SessionTable says what these do.
    std::optional<wire::Refused> attach_new(CarrierKey key, const wire::Hello& hello,
                                            const SessionCredential& credential, TimePoint now);
    std::optional<wire::Refused> attach_resumed(CarrierKey key, const wire::Hello& hello, TimePoint now);
    bool may_honour(const SessionId& lost, const wire::Hello& hello) const;
    void take_early(const wire::Hello& hello, std::string_view first_flight, TimePoint now);

    // Something has been heard of a session that waits for it: it takes the place of another one.
    void confirm(ServerSession& session, TimePoint now);

private:
    std::optional<wire::Refused> attach(ServerSession& session, CarrierKey key, const wire::Hello& hello,
                                        bool with_secret, TimePoint now);
    std::optional<wire::Refused> join(ServerSession& session, CarrierKey key, const wire::Hello& hello, TimePoint now);
    std::optional<wire::Refused> find_resumed(const wire::Hello& hello, ServerSession*& session);
    std::optional<wire::Refused> find_tombstone(const SessionId& id, const wire::Hello& hello) const;
    std::optional<wire::Refused> offers_less(const ServerSession& session, const wire::Hello& hello) const;
    ServerSession& create(Device& owner, const wire::Hello& hello, const SessionCredential& credential, TimePoint now);
    void install(ServerSession& session, TimePoint now);
    bool is_full(const std::string& user) const;
    void make_room(const std::string& user, TimePoint now);
    std::string new_ticket(ServerSession& session);
    wire::Encodings encodings_of(const wire::Hello& hello) const noexcept;
    bool agrees_on_conversations(const wire::Hello& hello) const noexcept {
        return conversations_ && (hello.capabilities & wire::kCapabilityConversations) != 0;
    }

    const Parts parts_;
    base::Random& random_;
    const TicketKeys* const ticket_keys_;
    const wire::Compression* compression_ = nullptr;
    bool conversations_ = false;
    HonouredTickets honoured_;
};

}  // namespace flare::session
