#include "wire/sync.hpp"

#include "wire/writer.hpp"

namespace flare::wire::im {

// Fields of a message follow one another in any order, so the feed goes to the end.
void append_synced(std::string& page, std::string_view conversation, std::uint32_t feed) {
    constexpr std::uint32_t kConversations = 1;  // of SyncPage
    constexpr std::uint32_t kFeed = 5;           // of SyncedConversation
    const std::size_t size = conversation.size() + number_size(feed);
    const std::size_t before = page.size();
    page.resize(before + part_size(size));
    char* out = put_varint(put_tag(page.data() + before, bytes_tag(kConversations)), size);
    put_number(put_raw(out, conversation), kFeed, feed);
}

}  // namespace flare::wire::im
