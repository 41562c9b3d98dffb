// flare room readers: who has read a message.
#pragma once

#include "client_options.hpp"

#include <flare/client.hpp>

#include <cstdint>
#include <string>

namespace flare::cli {

// Lists them all, a line each. Returns the exit code.
int tell_readers(Client& client, const ClientOptions& common, const std::string& room, std::uint64_t offset);

}  // namespace flare::cli
