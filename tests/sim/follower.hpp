// What the application of a client is told by its feeds, against the logs: in order, each entry once, and no more than
// it may know.
#pragma once

#include "session/types.hpp"
#include "sim/log_book.hpp"
#include "sim/world.hpp"
#include "wire/feeds.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>

namespace flare::sim {

class Follower {
public:
    Follower(World& world, LogBook& book, std::string user) : world_(world), book_(book), user_(std::move(user)) {}

    // What comes is of this session: feeds end with theirs.
    void in(const session::SessionId& session);

    // The body of a subscription, from somewhere on.
    std::string subscribe(const std::string& room);
    // It has asked for another feed, or for none: the one that it had counts no more.
    void asks(const std::string& room);
    void subscribed(const std::string& room, const wire::im::Subscribed& answer);
    // The answer to a subscription that was refused, or to the end of one.
    void has_none(const std::string& room) { asks(room); }

    // The client has heard that its own message is stored.
    void hears_stored(const Uuid& id) { stored_.insert(id); }
    // The client has waited long enough: if the receipt comes after all, nobody hears of it.
    void gives_up(const Uuid& id) { given_up_.insert(id); }
    void hears(std::uint32_t number, const wire::im::Feed& feed);
    // It had no memory for something of it.
    void loses(std::uint32_t number) { feeds_.erase(number); }

    void check_at_rest();

private:
    struct Open {
        model::ConversationKey key;
        std::uint64_t next = 0;
    };
    void pass_over_own(Open& feed, std::uint64_t to);

    World& world_;
    LogBook& book_;
    const std::string user_;
    std::optional<session::SessionId> session_;
    std::map<std::uint32_t, Open> feeds_;  // by number
    std::set<std::uint32_t> ended_;        // with the membership
    std::set<Uuid> stored_;
    std::set<Uuid> given_up_;
};

}  // namespace flare::sim
