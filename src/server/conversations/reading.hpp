// Pages of a conversation for one of its members, as bodies of responses.
//
// Rights and entries are read one after the other: first what the log has, then whether the user is a member, then no
// entry above that. So nobody reads what was written after the own removal.
//
// Protocol: docs/wire.md, "Bodies of requests".
// Threads:  one of the store's.
#pragma once

#include "store/engine.hpp"
#include "wire/compression.hpp"
#include "wire/requests.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace flare::server::reading {

struct Found {
    errc code = errc::ok;
    std::string_view text{};  // of a refusal; lives as long as the program
    std::string body{};
};

// `name`: what the user calls it. `written`: by the request that is answered.
Found conversation(store::Reader& reader, const model::ConversationKey& key, std::string_view user,
                   std::string_view name, const std::optional<wire::im::Written>& written = std::nullopt);
Found members(store::Reader& reader, const model::ConversationKey& key, std::string_view user, std::string_view after,
              std::uint32_t limit);
// `encodings`: which the user's session takes; what is packed in another way is inflated, and counts as that.
Found history(store::Reader& reader, const model::ConversationKey& key, std::string_view user,
              const wire::im::HistoryQuery& query, wire::Encodings encodings);

// Who may not come back, for who may ban: of a room, at `now_ms`.
Found bans(store::Reader& reader, const model::ConversationKey& key, std::string_view user, std::string_view after,
           std::uint32_t limit, std::uint64_t now_ms);
// Whom `user` blocks.
// Whose invitation is open, for those who may invite.
Found invitations(store::Reader& reader, const model::ConversationKey& key, std::string_view user,
                  std::string_view after, std::uint32_t limit);
Found blocks(store::Reader& reader, std::string_view user, std::string_view after, std::uint32_t limit);

}  // namespace flare::server::reading
