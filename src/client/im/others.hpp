// How far others have come, as pages, states and answers say it: kept in the list, and told if it is news.
//
// Protocol: docs/protocol.md, "States"; docs/client.md, "Marks of others".
// Threads:  its client's I/O thread.
// Owner:    Sync.
#pragma once

#include "client/im/feeds.hpp"
#include "client/im/list.hpp"

#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace flare::client {

class OtherMarks {
public:
    // `changed`: the list may have changed.
    OtherMarks(ConversationList& list, Feeds::Owner& owner, std::function<void()> changed)
        : list_(list), owner_(owner), changed_(std::move(changed)) {}

    void on_told(const std::string& conversation, std::uint64_t epoch, const std::vector<UserMark>& marks);

private:
    ConversationList& list_;
    Feeds::Owner& owner_;
    const std::function<void()> changed_;
};

}  // namespace flare::client
