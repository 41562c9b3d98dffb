// Calls about bans, blocks and devices that take pushes as requests, and the answers to them.
//
// Protocol: docs/wire.md, "Bodies of requests".
// Threads:  pure functions.
#pragma once

#include "client/loop/requests.hpp"

#include <flare/invitations.hpp>
#include <flare/restrictions.hpp>

#include <cstdint>
#include <string>

namespace flare::client {

// ---- what is asked. Errors: invalid_name, with what is wrong ----

Checked<Call> bans_call(const std::string& room, const std::string& after, std::uint32_t limit);
Checked<Call> invited_call(const std::string& room, const std::string& after, std::uint32_t limit);
Checked<Call> blocks_call(const std::string& after, std::uint32_t limit);
Checked<Call> register_call(const std::string& service, const std::string& token, const std::string& app);
Call unregister_call();

// ---- what is answered. Errors: what the server says; malformed_frame, as in bodies.hpp ----

Checked<BanPage> read_bans(const Answer& answer);
Checked<InvitedPage> read_invited(const Answer& answer);
Checked<BlockPage> read_blocks(const Answer& answer);
Checked<> read_registered(const Answer& answer);

}  // namespace flare::client
