// Moves data between carriers and their sessions, in both directions.
//
// Protocol: docs/protocol.md, "Attaching a carrier", "Activate", "Liveness", "Credentials".
// Threads:  its worker only; no I/O, no clock.
// Owner:    SessionTable.
#pragma once

#include "session/attaching.hpp"
#include "session/session_life.hpp"

#include <flare/failure.hpp>

#include <string_view>

namespace flare::session {

class CarrierIo {
public:
    CarrierIo(const Settings& settings, std::uint32_t home, SessionTableListener& listener, SessionIndex& sessions,
              SessionLife& life, Attaching& attaching)
        : settings_(settings),
          home_(home),
          listener_(listener),
          sessions_(sessions),
          life_(life),
          attaching_(attaching) {}

    void offer(const wire::Compression* compression) noexcept { compression_ = compression; }

    // SessionTable says what these do.
    void on_batch(CarrierKey key, std::string_view batch, TimePoint now);
    void on_alive(CarrierKey key, TimePoint now);
    void carrier_gone(CarrierKey key, TimePoint now);
    bool write(CarrierKey key, wire::Batch& batch, TimePoint now, std::size_t max_bytes);
    void renew(const SessionId& id, const Checked<SessionCredential>& credential, TimePoint now);

private:
    void hear(ServerSession& session, Attached& carrier, TimePoint now);
    void handle(ServerSession& session, CarrierKey key, const wire::FrameView& frame, TimePoint now, bool& gone);
    void handle_numbered(ServerSession& session, CarrierKey key, const wire::FrameView& frame, TimePoint now);
    void handle_activate(ServerSession& session, CarrierKey key, std::uint64_t epoch, TimePoint now);
    void handle_credential(ServerSession& session, std::string_view token);
    void write_welcome(ServerSession& session, Attached& carrier, wire::Batch& batch) const;

    const Settings& settings_;
    const std::uint32_t home_;
    SessionTableListener& listener_;
    SessionIndex& sessions_;
    SessionLife& life_;
    Attaching& attaching_;
    const wire::Compression* compression_ = nullptr;
};

}  // namespace flare::session
