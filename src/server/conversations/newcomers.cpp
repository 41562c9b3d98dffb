#include "server/conversations/newcomers.hpp"

#include "server/worker/shard.hpp"

#include <flare/message.hpp>

#include <memory>
#include <utility>

namespace flare::server {

void Newcomers::tell(const model::ConversationKey& conversation, const std::vector<im::Row>& users,
                     std::uint64_t stamp) {
    if (users.empty()) return;
    if (conversation.kind() == model::ConversationKind::direct) {
        std::vector<std::string> names{std::string(conversation.first())};
        if (conversation.second() != conversation.first()) names.emplace_back(conversation.second());
        std::erase(names, kServerTarget);
        return tell(conversation, std::move(names), stamp);
    }
    const auto names = std::make_shared<std::vector<std::string>>();
    store_.read(
        [names, users](store::Reader& reader) {
            for (const im::Row user : users) {
                auto name = reader.user_name(user);
                if (!name) return static_cast<errc>(name.error().value());
                if (*name) names->push_back(std::move(**name));
            }
            return errc::ok;
        },
        [this, names, conversation, users, stamp](errc code) {
            if (code == errc::ok) return tell(conversation, std::move(*names), stamp);
            if (unread_.size() < kMostUnread) unread_.push_back({conversation, users, stamp});
            executor_.arm_timer();
        });
}

void Newcomers::try_again() {
    for (const Change& each : std::exchange(unread_, {})) tell(each.conversation, each.users, each.stamp);
}

void Newcomers::tell(const model::ConversationKey& conversation, std::vector<std::string> users, std::uint64_t stamp) {
    std::vector<std::vector<std::string>> by_home(router_.workers());
    for (std::string& user : users) by_home[router_.home_of(user)].push_back(std::move(user));
    for (std::uint32_t home = 0; home < by_home.size(); ++home) {
        if (by_home[home].empty()) continue;
        router_.give(home, [conversation, stamp, users = std::move(by_home[home])](Shard& shard) {
            shard.conversations()->feeds.joined(conversation, stamp, users);
        });
    }
}

}  // namespace flare::server
