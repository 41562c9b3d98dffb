#include "server/conversations/newcomers.hpp"

#include "server/worker/shard.hpp"

#include <flare/message.hpp>

#include <memory>
#include <utility>

namespace flare::server {

void Newcomers::tell(const model::ConversationKey& conversation, const std::vector<im::Row>& users,
                     std::uint64_t stamp) {
    if (users.empty()) return;
    Change change{.conversation = conversation, .users = users, .stamp = stamp};
    if (conversation.kind() == model::ConversationKind::direct) {
        Names names{std::string(conversation.first())};
        if (conversation.second() != conversation.first()) names.emplace_back(conversation.second());
        std::erase(names, kServerTarget);
        return tell_names(change, std::move(names));
    }
    read_and_tell(std::move(change));
}

void Newcomers::tell_invited(const model::ConversationKey& room, const std::vector<im::Row>& users) {
    if (!users.empty()) read_and_tell({.conversation = room, .users = users, .invitations = true});
}

void Newcomers::tell_uninvited(const model::ConversationKey& room, im::Row row, std::uint32_t most) {
    read_and_tell({.conversation = room, .users = {}, .invitations = true, .ended = row, .most = most});
}

errc Newcomers::read_names(store::Reader& reader, const Change& change, Names& names) {
    std::vector<im::Row> users = change.users;
    if (change.ended != 0) {
        const auto invited = reader.invitations(change.ended, 0, change.most);
        if (!invited) return static_cast<errc>(invited.error().value());
        for (const model::Member& each : *invited) users.push_back(each.user);
    }
    for (const im::Row user : users) {
        auto name = reader.user_name(user);
        if (!name) return static_cast<errc>(name.error().value());
        if (*name) names.push_back(std::move(**name));
    }
    return errc::ok;
}

void Newcomers::read_and_tell(Change change) {
    const auto of = std::make_shared<const Change>(std::move(change));
    const auto names = std::make_shared<Names>();
    store_.read([names, of](store::Reader& reader) { return read_names(reader, *of, *names); },
                [this, names, of](errc code) {
                    if (code == errc::ok) return tell_names(*of, std::move(*names));
                    if (unread_.size() < kMostUnread) unread_.push_back(*of);
                    executor_.arm_timer();
                });
}

void Newcomers::try_again() {
    for (Change& each : std::exchange(unread_, {})) read_and_tell(std::move(each));
}

void Newcomers::tell_names(const Change& change, Names users) {
    std::vector<Names> by_home(router_.workers());
    for (std::string& user : users) by_home[router_.home_of(user)].push_back(std::move(user));
    for (std::uint32_t home = 0; home < by_home.size(); ++home) {
        if (by_home[home].empty()) continue;
        router_.give(home, [conversation = change.conversation, stamp = change.stamp, invitations = change.invitations,
                            users = std::move(by_home[home])](Shard& shard) {
            if (invitations) {
                shard.conversations()->states.invited(conversation, users);
            } else {
                shard.conversations()->feeds.joined(conversation, stamp, users);
            }
        });
    }
}

}  // namespace flare::server
