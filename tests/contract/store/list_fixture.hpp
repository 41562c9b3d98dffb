// A store with rooms and members, and short ways to mark, to list and to count.
#pragma once

#include "contract/store/store_fixture.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace flare::store::test {

inline constexpr Row kAnn = 1, kBob = 2, kCat = 3;

// The rows from 1 on.
inline void add_users(StoreTest& store) {
    for (const char* const name : {"ann", "bob", "cat", "dan", "eve", "fay", "gus"})
        EXPECT_EQ(store.write({NewUser{name}}).code, errc::ok);
}

class ListedStore : public StoreContract {
protected:
    ListedStore() { add_users(*this); }

    Row make_room(std::string_view name, const std::vector<Row>& users) {
        Change made;
        made.key = model::ConversationKey::room(name);
        for (const Row user : users) made.members.push_back(member_since_start(user));
        return change(made).row;
    }
    Outcome say(Row room, Row sender, model::EntryKind kind = model::EntryKind::message, std::uint64_t ref = 0) {
        NewEntry said = entry(room, ++last_id);
        said.sender = sender;
        said.kind = kind;
        said.ref = ref;
        return append(said);
    }
    void say(Row room, Row sender, int times) {
        for (int i = 0; i < times; ++i) say(room, sender);
    }
    Outcome say_silently(Row room, Row sender) {
        NewEntry said = entry(room, ++last_id);
        said.sender = sender;
        said.flags = model::kSilent;
        return append(said);
    }
    Outcome say_to(Row room, Row sender, std::vector<Row> users, std::uint8_t flags = 0) {
        NewEntry said = entry(room, ++last_id);
        said.sender = sender;
        said.flags = flags;
        said.mentions = std::move(users);
        return append(said);
    }
    Outcome put(Row room, const model::Member& member, bool told = true) {
        Change changed;
        changed.conversation = room;
        changed.members = {member};
        if (told) changed.entry = entry(room, ++last_id);
        if (told) changed.entry->kind = model::EntryKind::membership;
        return change(changed);
    }
    Outcome leave(Row room, Row user) {
        model::Member left = **reader->member(room, user);
        left.role = model::Role::none;
        left.left_at = now;
        return put(room, left);
    }
    Outcome remove(Row room) {
        Change removal;
        removal.conversation = room;
        removal.removed = true;
        return change(removal);
    }
    Outcome cut(Row room, std::uint64_t keep_from) {
        Change cut;
        cut.conversation = room;
        cut.keep_from = keep_from;
        return change(cut);
    }
    Outcome mark(Row room, Row user, std::uint64_t offset) { return write({Mark{room, user, offset}}); }

    ListPage list(const ListRequest& request) {
        auto page = reader->list(request);
        EXPECT_TRUE(page) << page.error().message();
        return page ? std::move(*page) : ListPage();
    }
    ListPage list(Row user, std::uint64_t above = 0, std::uint32_t limit = 1000) {
        ListRequest request;
        request.user = user;
        request.above = above;
        request.limit = limit;
        return list(request);
    }
    Listed listed(Row room, Row user) {
        for (Listed& each : list(user).found)
            if (each.conversation.row == room) return std::move(each);
        ADD_FAILURE() << "user " << user << " has no conversation " << room;
        return {};
    }
    model::ReadMark mark_of(Row room, Row user) { return listed(room, user).mark; }
    // "3", or "3 and more".
    std::string unread(const Listed& of, std::uint32_t most = 999) {
        const auto count = reader->unread(of, most);
        EXPECT_TRUE(count) << count.error().message();
        return count ? std::to_string(count->count) + (count->more ? " and more" : "") : std::string();
    }
    std::string unread(Row room, Row user, std::uint32_t most = 999) { return unread(listed(room, user), most); }
    std::uint32_t unread_mentions(const Listed& of, std::uint32_t most = 999) {
        const auto count = reader->unread(of, most);
        EXPECT_TRUE(count) << count.error().message();
        return count ? count->mentions : 0;
    }
    std::uint32_t unread_mentions(Row room, Row user, std::uint32_t most = 999) {
        return unread_mentions(listed(room, user), most);
    }

    std::uint64_t last_id = 0;
};

inline std::vector<Row> rooms_of(const std::vector<Listed>& listed) {
    std::vector<Row> rooms;
    for (const Listed& each : listed) rooms.push_back(each.conversation.row);
    return rooms;
}

}  // namespace flare::store::test
