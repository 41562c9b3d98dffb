#include <flare/conversations.hpp>

#include "client/im/asking.hpp"
#include "client/im/bodies.hpp"
#include "client/loop/history.hpp"

#include <utility>

namespace flare {
namespace {

using client::Answer;
using client::ask;
using client::async_ask;
using client::async_run;
using client::Call;
using client::ClientLoop;
using client::LoopPtr;
using client::run;
using wire::Verb;

auto subscribing(std::string conversation, const SubscribeOptions& options) {
    return [conversation = std::move(conversation), options](ClientLoop& on, auto done) {
        on.with_sync([&](client::Sync& sync) { sync.feeds().subscribe(conversation, options, std::move(done)); });
    };
}
auto marking(std::string conversation, const Position& upto) {
    return [conversation = std::move(conversation), upto](ClientLoop& on, auto done) {
        on.with_sync([&](client::Sync& sync) { sync.marks().mark_read(conversation, upto, std::move(done)); });
    };
}
auto unsubscribing(std::string conversation) {
    return [conversation = std::move(conversation)](ClientLoop& on, auto done) {
        on.with_sync([&](client::Sync& sync) { sync.feeds().unsubscribe(conversation, std::move(done)); });
    };
}

Checked<Call> react_call(const std::string& conversation, const Position& message, const std::string& key) {
    return client::reaction_call(Verb::message_react, conversation, message, key);
}
Checked<Call> unreact_call(const std::string& conversation, const Position& message, const std::string& key) {
    return client::reaction_call(Verb::message_unreact, conversation, message, key);
}
Checked<Call> remove_call(const std::string& room, const std::string& user) {
    return client::members_call(Verb::member_remove, room, {user}, MemberRole::none);
}

Checked<Call> role_call(const std::string& room, const std::string& user, MemberRole role) {
    return client::members_call(Verb::member_role, room, {user}, role);
}

auto conversation_reader(std::string name) {
    return [name = std::move(name)](const Answer& answer) { return client::read_conversation(answer, name); };
}
auto asking_for_history(const Checked<Call>& call, const HistoryQuery& query) {
    return [call, query](ClientLoop& on, auto done) { client::ask_history(on, *call, query, std::move(done)); };
}

// On the thread of whoever asked.
Checked<HistoryPage> read_page(const LoopPtr& loop, const std::string& name, const HistoryQuery& query,
                               const client::Paged& paged) {
    if (paged.cached) return *paged.cached;
    auto page = client::read_history(paged.answer, query);
    if (const auto& cache = loop->config().cache; cache && page) cache->page(name, *page);
    return page;
}

Task<Checked<HistoryPage>> async_history_of(LoopPtr loop, std::string name, HistoryQuery query) {
    const auto call = client::history_call(name, query);
    if (!call) co_return call.error();
    auto begin = asking_for_history(call, query);
    const client::Paged paged = co_await client::await<client::Paged>(loop, std::move(begin));
    co_return read_page(loop, name, query, paged);
}

}  // namespace

Conversations::Conversations(std::shared_ptr<client::ClientLoop> loop) : loop_(std::move(loop)) {}
Conversations::~Conversations() = default;

Checked<Conversation> Conversations::create(std::string room, RoomOptions options) {
    return ask<Conversation>(loop_, client::create_call(room, options), conversation_reader(room));
}
Checked<Conversation> Conversations::join(std::string room) {
    return ask<Conversation>(loop_, client::room_call(Verb::conversation_join, room), conversation_reader(room));
}
Checked<StoredAt> Conversations::leave(std::string room) {
    return ask<StoredAt>(loop_, client::room_call(Verb::conversation_leave, room), client::read_written);
}
Checked<StoredAt> Conversations::add_members(std::string room, std::vector<std::string> users, MemberRole role) {
    return ask<StoredAt>(loop_, client::members_call(Verb::member_add, room, users, role), client::read_written);
}
Checked<StoredAt> Conversations::remove_member(std::string room, std::string user) {
    return ask<StoredAt>(loop_, remove_call(room, user), client::read_written);
}
Checked<StoredAt> Conversations::set_role(std::string room, std::string user, MemberRole role) {
    return ask<StoredAt>(loop_, role_call(room, user, role), client::read_written);
}
Checked<StoredAt> Conversations::mute(std::string room, std::string user, std::chrono::system_clock::time_point until) {
    return ask<StoredAt>(loop_, client::until_call(Verb::member_mute, room, user, until), client::read_written);
}
Checked<StoredAt> Conversations::unmute(std::string room, std::string user) {
    return ask<StoredAt>(loop_, client::until_call(Verb::member_mute, room, user, {}), client::read_written);
}
Checked<StoredAt> Conversations::ban(std::string room, std::string user, std::chrono::system_clock::time_point until) {
    return ask<StoredAt>(loop_, client::until_call(Verb::member_ban, room, user, until), client::read_written);
}
Checked<StoredAt> Conversations::unban(std::string room, std::string user) {
    return ask<StoredAt>(loop_, client::until_call(Verb::member_ban, room, user, {}), client::read_written);
}
Checked<StoredAt> Conversations::update(std::string room, RoomChanges changes) {
    return ask<StoredAt>(loop_, client::update_call(room, changes), client::read_written);
}
Checked<> Conversations::delete_room(std::string room) {
    return ask<void>(loop_, client::room_call(Verb::conversation_delete, room), client::read_done);
}
Checked<> Conversations::block(std::string user) {
    return ask<void>(loop_, client::block_call(Verb::user_block, user), client::read_done);
}
Checked<> Conversations::unblock(std::string user) {
    return ask<void>(loop_, client::block_call(Verb::user_unblock, user), client::read_done);
}
Checked<Conversation> Conversations::get(std::string conversation) {
    return ask<Conversation>(loop_, client::get_call(conversation), conversation_reader(conversation));
}
Checked<MemberPage> Conversations::members(std::string conversation, std::string after, std::uint32_t limit) {
    return ask<MemberPage>(loop_, client::list_call(conversation, after, limit), client::read_members);
}
Checked<HistoryPage> Conversations::history(std::string conversation, HistoryQuery query) {
    const auto call = client::history_call(conversation, query);
    if (!call) return call.error();
    client::Paged paged;
    if (!client::wait_for<client::Paged>(loop_, paged, asking_for_history(call, query)))
        return Failure(errc::would_deadlock);
    return read_page(loop_, conversation, query, paged);
}
Checked<StoredAt> Conversations::edit_message(std::string conversation, Position message, Message content) {
    return ask<StoredAt>(loop_, client::edit_call(conversation, message, content), client::read_written);
}
Checked<StoredAt> Conversations::delete_message(std::string conversation, Position message) {
    return ask<StoredAt>(loop_, client::delete_call(conversation, message), client::read_written);
}
Checked<StoredAt> Conversations::react(std::string conversation, Position message, std::string key) {
    return ask<StoredAt>(loop_, react_call(conversation, message, key), client::read_written);
}
Checked<StoredAt> Conversations::unreact(std::string conversation, Position message, std::string key) {
    return ask<StoredAt>(loop_, unreact_call(conversation, message, key), client::read_written);
}
Checked<std::vector<ListedConversation>> Conversations::list(bool with_hidden) const {
    if (!loop_->config().sync_conversations)
        return Failure(errc::not_supported, "no list of conversations is kept: ClientBuilder::sync_conversations()");
    using Items = std::vector<client::ConversationList::Item>;
    Items items;
    // What is read without waiting can be read on the I/O thread itself.
    if (!client::wait_for<Items>(loop_, items, [](ClientLoop& on, auto done) { done(on.list()); }))
        items = loop_->list();
    std::vector<ListedConversation> found;
    found.reserve(items.size());
    std::size_t most = client::kMostInflated;
    for (auto& item : items) {
        if (with_hidden || !item.settings.hidden) found.push_back(client::listed(std::move(item), most));
    }
    return found;
}
Checked<ReadMark> Conversations::mark_read(std::string conversation, Position upto) {
    const auto checked = client::mark_call(conversation, upto);
    return run<ReadMark>(loop_, checked, marking(std::move(conversation), upto));
}
Checked<Subscription> Conversations::subscribe(std::string conversation, SubscribeOptions options) {
    const auto checked = client::subscribe_call(conversation, options);
    return run<Subscription>(loop_, checked, subscribing(std::move(conversation), options));
}
Checked<> Conversations::unsubscribe(std::string conversation) {
    const auto checked = client::unsubscribe_call(conversation);
    return run<void>(loop_, checked, unsubscribing(std::move(conversation)));
}

// ---- for coroutines ----

Task<Checked<Conversation>> Conversations::async_create(std::string room, RoomOptions options) {
    return async_ask<Conversation>(loop_, client::create_call(room, options), conversation_reader(room));
}
Task<Checked<Conversation>> Conversations::async_join(std::string room) {
    return async_ask<Conversation>(loop_, client::room_call(Verb::conversation_join, room), conversation_reader(room));
}
Task<Checked<StoredAt>> Conversations::async_leave(std::string room) {
    return async_ask<StoredAt>(loop_, client::room_call(Verb::conversation_leave, room), client::read_written);
}
Task<Checked<StoredAt>> Conversations::async_add_members(std::string room, std::vector<std::string> users,
                                                         MemberRole role) {
    return async_ask<StoredAt>(loop_, client::members_call(Verb::member_add, room, users, role), client::read_written);
}
Task<Checked<StoredAt>> Conversations::async_remove_member(std::string room, std::string user) {
    return async_ask<StoredAt>(loop_, remove_call(room, user), client::read_written);
}
Task<Checked<StoredAt>> Conversations::async_set_role(std::string room, std::string user, MemberRole role) {
    return async_ask<StoredAt>(loop_, role_call(room, user, role), client::read_written);
}
Task<Checked<StoredAt>> Conversations::async_mute(std::string room, std::string user,
                                                  std::chrono::system_clock::time_point until) {
    return async_ask<StoredAt>(loop_, client::until_call(Verb::member_mute, room, user, until), client::read_written);
}
Task<Checked<StoredAt>> Conversations::async_unmute(std::string room, std::string user) {
    return async_ask<StoredAt>(loop_, client::until_call(Verb::member_mute, room, user, {}), client::read_written);
}
Task<Checked<StoredAt>> Conversations::async_ban(std::string room, std::string user,
                                                 std::chrono::system_clock::time_point until) {
    return async_ask<StoredAt>(loop_, client::until_call(Verb::member_ban, room, user, until), client::read_written);
}
Task<Checked<StoredAt>> Conversations::async_unban(std::string room, std::string user) {
    return async_ask<StoredAt>(loop_, client::until_call(Verb::member_ban, room, user, {}), client::read_written);
}
Task<Checked<StoredAt>> Conversations::async_update(std::string room, RoomChanges changes) {
    return async_ask<StoredAt>(loop_, client::update_call(room, changes), client::read_written);
}
Task<Checked<>> Conversations::async_delete_room(std::string room) {
    return async_ask<void>(loop_, client::room_call(Verb::conversation_delete, room), client::read_done);
}
Task<Checked<>> Conversations::async_block(std::string user) {
    return async_ask<void>(loop_, client::block_call(Verb::user_block, user), client::read_done);
}
Task<Checked<>> Conversations::async_unblock(std::string user) {
    return async_ask<void>(loop_, client::block_call(Verb::user_unblock, user), client::read_done);
}
Task<Checked<Conversation>> Conversations::async_get(std::string conversation) {
    return async_ask<Conversation>(loop_, client::get_call(conversation), conversation_reader(conversation));
}
Task<Checked<MemberPage>> Conversations::async_members(std::string conversation, std::string after,
                                                       std::uint32_t limit) {
    return async_ask<MemberPage>(loop_, client::list_call(conversation, after, limit), client::read_members);
}
Task<Checked<HistoryPage>> Conversations::async_history(std::string conversation, HistoryQuery query) {
    return async_history_of(loop_, std::move(conversation), query);
}

Task<Checked<StoredAt>> Conversations::async_edit_message(std::string conversation, Position message, Message content) {
    return async_ask<StoredAt>(loop_, client::edit_call(conversation, message, content), client::read_written);
}
Task<Checked<StoredAt>> Conversations::async_delete_message(std::string conversation, Position message) {
    return async_ask<StoredAt>(loop_, client::delete_call(conversation, message), client::read_written);
}
Task<Checked<StoredAt>> Conversations::async_react(std::string conversation, Position message, std::string key) {
    return async_ask<StoredAt>(loop_, react_call(conversation, message, key), client::read_written);
}
Task<Checked<StoredAt>> Conversations::async_unreact(std::string conversation, Position message, std::string key) {
    return async_ask<StoredAt>(loop_, unreact_call(conversation, message, key), client::read_written);
}
Task<Checked<ReadMark>> Conversations::async_mark_read(std::string conversation, Position upto) {
    auto checked = client::mark_call(conversation, upto);
    return async_run<ReadMark>(loop_, std::move(checked), marking(std::move(conversation), upto));
}
Task<Checked<Subscription>> Conversations::async_subscribe(std::string conversation, SubscribeOptions options) {
    auto checked = client::subscribe_call(conversation, options);
    return async_run<Subscription>(loop_, std::move(checked), subscribing(std::move(conversation), options));
}
Task<Checked<>> Conversations::async_unsubscribe(std::string conversation) {
    auto checked = client::unsubscribe_call(conversation);
    return async_run<void>(loop_, std::move(checked), unsubscribing(std::move(conversation)));
}

}  // namespace flare
