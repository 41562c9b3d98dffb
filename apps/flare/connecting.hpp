// The blocking connect() of a client, in a command that Ctrl-C must be able to end.
#pragma once

#include "inbox.hpp"

#include <flare/client.hpp>

#include <optional>

namespace flare::cli {

// Nothing: a signal came first, and the client has been told to disconnect.
std::optional<Checked<Protocol>> connect_or_signal(Client& client, Inbox& inbox);

// Why the client will not come back by itself, if `event` says that it will not.
std::optional<Failure> final_failure(const Event& event, const Client& client);

// The server keeps no list of conversations, which ClientBuilder::sync_conversations() has asked for.
bool is_about_list(const event::CapabilityUnavailable& event);

}  // namespace flare::cli
