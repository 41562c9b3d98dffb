// Takes a connection from acceptance to an attached session: Hello, admission, authentication, hand-over to the user's
// home worker.
//
// Protocol: docs/protocol.md, "Attaching a carrier"; docs/server.md, "Storms".
// Threads:  its worker's.
// Owner:    Shard.
#pragma once

#include "server/reception/arrival.hpp"
#include "server/reception/authenticator.hpp"
#include "server/reception/restart_ticket.hpp"
#include "server/reception/sealer.hpp"
#include "server/worker/carriers.hpp"
#include "server/worker/intake.hpp"
#include "server/worker/router.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace flare::server {

class Reception {
public:
    // What it works with; all of one shard.
    struct Parts {
        ServerState& state;
        Router& router;
        Executor& executor;
        session::SessionTable& table;
        Carriers& carriers;
        Intake& intake;
        Authenticator& authenticator;
        Sealer& sealer;
        Counters& counters;
        FlightLog& log;
        Turn& turn;
    };
    Reception(const Parts& parts, std::uint32_t index);

    // A connection that this worker has accepted.
    void accept(std::unique_ptr<transport::Carrier> carrier, ServerCarrier::CountedAs counted_as);
    // A connection that another worker has accepted, with what it has said there.
    void arrive(Arrival arrival);

    // A batch of a carrier that has not said Hello.
    void greeted(ServerCarrier& carrier, std::string_view batch);
    // The handshake of a carrier that was made in early data is complete.
    void confirmed(ServerCarrier& carrier);

    // Ends those that are not attached yet.
    void stop();
    session::TimePoint next_deadline();
    void on_time(session::TimePoint now);

private:
    bool claim_address(ServerCarrier& carrier);
    bool let_in(ServerCarrier& carrier);
    void wait_for_handshake(ServerCarrier& carrier, const wire::Hello& hello, std::string_view batch,
                            std::string_view rest);
    void look_at_credential(ServerCarrier& carrier, wire::Hello hello, std::string rest);
    void authenticate(ServerCarrier& carrier, wire::Hello hello, std::string rest);
    void authenticated(session::CarrierKey key, wire::Hello hello, Checked<Identity> identity);
    void to_home(ServerCarrier& carrier, wire::Hello hello, std::string rest,
                 std::optional<session::SessionCredential> credential);
    void attach(ServerCarrier& carrier, const wire::Hello& hello, std::string_view rest,
                const std::optional<session::SessionCredential>& credential);
    void refuse(ServerCarrier& carrier, const wire::Refused& refused);
    void refuse_and_count(ServerCarrier& carrier, const wire::Refused& refused);
    void expect_hello(ServerCarrier& carrier);
    ServerCarrier* first_greeting();

    Parts parts_;
    const std::uint32_t index_;
    RestartTickets tickets_;
    DeadlineQueue greeting_;
};

}  // namespace flare::server
