// What tests of stored conversations share: a server with a store, users whom it knows, and what is in a log.
#pragma once

#include "integration/harness.hpp"
#include "support/folder.hpp"

#include <algorithm>
#include <string>
#include <variant>
#include <vector>

namespace flare::test {

// The rates are those of people: a test may be faster.
inline ServerBuilder with_store(ServerBuilder builder, const Folder& folder) {
    ConversationLimits limits;
    limits.device_per_second = limits.conversation_per_second = 0;
    return builder.store(sqlite(folder.path("flare.db"))).conversation_limits(limits);
}

template <typename T>
errc refused(const Checked<T>& result) {
    return result ? errc::ok : result.error().code;
}

// One whom the store knows: it learns of a user behind the Welcome of the first session, and answers no change of
// theirs before that.
inline Client known(Client client) {
    EXPECT_EQ(refused(client.conversations().leave("room:nowhere")), errc::unknown_conversation);
    return client;
}
inline Client user(const std::string& address, const std::string& name, Events& events) {
    return known(connected(client_of(address, name, events).reconnect_delay(50ms)));
}

// Anybody may join it, and read it from its beginning.
inline void make_open_room(Client& owner) {
    const auto made = owner.conversations().create(
        "room:tea", RoomOptions().with_join(JoinPolicy::open).with_visibility(HistoryVisibility::all));
    EXPECT_TRUE(made) << made.error().text;
}

// The application has been told of a conversation that is so. A client's cache keeps what it has been told, and no
// more.
template <typename Predicate>
bool told_that(Events& events, Predicate is_so) {
    return events.wait([&](const std::vector<Event>& seen) {
        return std::ranges::any_of(seen, [&](const Event& event) {
            const auto* const changed = std::get_if<event::ConversationChanged>(&event);
            return changed != nullptr && changed->now && is_so(*changed->now);
        });
    });
}

inline std::vector<std::string> texts_of(const HistoryPage& page) {
    std::vector<std::string> all;
    for (const Entry& entry : page.entries) {
        if (entry.kind == EntryKind::message) all.push_back(entry.payload.str());
    }
    return all;
}

inline std::vector<std::string> numbers(int first, int upto) {
    std::vector<std::string> all;
    for (int i = first; i < upto; ++i) all.push_back(std::to_string(i));
    return all;
}

}  // namespace flare::test
