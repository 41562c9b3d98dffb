#include <flare/invitations.hpp>

#include "client/im/asking.hpp"
#include "client/im/people_bodies.hpp"

#include <utility>

namespace flare {
namespace {

using wire::Verb;

Checked<client::Call> invite_call(const std::string& room, const std::vector<std::string>& users) {
    return client::members_call(Verb::member_invite, room, users, MemberRole::none);
}
Checked<client::Call> take_back_call(const std::string& room, const std::string& user) {
    return client::members_call(Verb::member_remove, room, {user}, MemberRole::none);
}
auto joined_reader(std::string room) {
    return [room = std::move(room)](const client::Answer& answer) { return client::read_conversation(answer, room); };
}

}  // namespace

Invitations::Invitations(std::shared_ptr<client::ClientLoop> loop) : loop_(std::move(loop)) {}
Invitations::~Invitations() = default;

Checked<StoredAt> Invitations::invite(std::string room, std::vector<std::string> users) {
    return client::ask<StoredAt>(loop_, invite_call(room, users), client::read_written);
}
Checked<StoredAt> Invitations::take_back(std::string room, std::string user) {
    return client::ask<StoredAt>(loop_, take_back_call(room, user), client::read_written);
}
Checked<InvitedPage> Invitations::sent(std::string room, std::string after, std::uint32_t limit) {
    return client::ask<InvitedPage>(loop_, client::invited_call(room, after, limit), client::read_invited);
}
Checked<std::vector<Invitation>> Invitations::received() const {
    if (!loop_->config().sync_conversations)
        return Failure(errc::not_supported, "no list of invitations is kept: ClientBuilder::sync_conversations()");
    using Items = std::vector<client::ConversationList::Item>;
    Items items;
    // What is read without waiting can be read on the I/O thread itself.
    if (!client::wait_for<Items>(loop_, items, [](client::ClientLoop& on, auto done) { done(on.list(true)); }))
        items = loop_->list(true);
    std::vector<Invitation> found;
    for (const auto& item : items) found.push_back(client::invitation_of(item));
    return found;
}
Checked<Conversation> Invitations::accept(std::string room) {
    return client::ask<Conversation>(loop_, client::room_call(Verb::conversation_join, room), joined_reader(room));
}
Checked<StoredAt> Invitations::decline(std::string room) {
    return client::ask<StoredAt>(loop_, client::room_call(Verb::conversation_leave, room), client::read_written);
}

Task<Checked<StoredAt>> Invitations::async_invite(std::string room, std::vector<std::string> users) {
    return client::async_ask<StoredAt>(loop_, invite_call(room, users), client::read_written);
}
Task<Checked<StoredAt>> Invitations::async_take_back(std::string room, std::string user) {
    return client::async_ask<StoredAt>(loop_, take_back_call(room, user), client::read_written);
}
Task<Checked<InvitedPage>> Invitations::async_sent(std::string room, std::string after, std::uint32_t limit) {
    return client::async_ask<InvitedPage>(loop_, client::invited_call(room, after, limit), client::read_invited);
}
Task<Checked<Conversation>> Invitations::async_accept(std::string room) {
    return client::async_ask<Conversation>(loop_, client::room_call(Verb::conversation_join, room),
                                           joined_reader(room));
}
Task<Checked<StoredAt>> Invitations::async_decline(std::string room) {
    return client::async_ask<StoredAt>(loop_, client::room_call(Verb::conversation_leave, room), client::read_written);
}

}  // namespace flare
