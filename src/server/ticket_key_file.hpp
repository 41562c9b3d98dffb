// Files with a key that outlives the process: of tickets (docs/server.md, "Storms"), of QUIC (docs/quic.md, "Endings").
//
// Threads: any.
#pragma once

#include <flare/failure.hpp>

#include <string>

namespace flare::server {

struct TicketKeyFile {
    std::string current;   // session::TicketKeys::kKeyBytes
    std::string previous;  // as many, or none
};

// Reads `path`; where there is no such file, makes one that only its owner may read. A line is a key, 32 bytes in hex
// or base64, the second one that of before. `what` begins the text of an error.
// Errors: file_not_found (its folder), file_unreadable, file_unwritable, permission_denied (others may use it, or it is
// somebody else's), invalid_config (what is in it).
Checked<TicketKeyFile> load_ticket_keys(const std::string& path, const std::string& what = "ticket_key_file");

}  // namespace flare::server
