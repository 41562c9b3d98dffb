// What the state machines of conversations want of the store.
#include "server/conversations/home.hpp"
#include "server/worker/shard.hpp"
#include "session/planted.hpp"

#include <algorithm>
#include <utility>

namespace flare::server {
namespace {

im::Outcome outcome_of(const store::Outcome& from) {
    return {.repeat = from.repeat,
            .row = from.row,
            .position = from.position,
            .time_ms = from.time_ms,
            .stamp = from.stamp,
            .messages = from.messages};
}

im::Refusal nobody_of_this_name() {
    return {errc::unknown_target, "nobody of this name has ever been here: correct the message's to field"};
}

// Of those whom a message names.
void keep_members(const std::unique_ptr<Mentioned>& mentioned, const std::vector<store::Row>& members) {
    if (mentioned == nullptr) return;
    Mentioned kept{.known = true};
    for (std::size_t i = 0; i < mentioned->rows.size(); ++i) {
        if (std::ranges::find(members, mentioned->rows[i]) == members.end()) continue;
        kept.names.push_back(std::move(mentioned->names[i]));
        kept.rows.push_back(mentioned->rows[i]);
    }
    *mentioned = std::move(kept);
}

// What was read is of a conversation that another one has taken the place of: of that one the same is read.
bool is_replaced(const Hosted& hosted, store::Row read) {
    const im::Conversation& now = hosted.append.conversation();
    return now.present() && now.row() != read;
}

// As many as there are, a page at a time, for as long as `each` wants.
template <typename Each>
errc each_member(store::Reader& reader, store::Row conversation, const Each& each) {
    constexpr std::uint32_t kPage = 1000;
    for (store::Row after = 0;;) {
        const auto page = reader.members(conversation, after, kPage, false);
        if (!page) return static_cast<errc>(page.error().value());
        for (const model::Member& member : *page) each(member);
        if (page->size() < kPage) return errc::ok;
        after = page->back().user;
    }
}

}  // namespace

template <typename Found, typename Question, typename Then>
void ConversationHome::ask(const HostedPtr& hosted, Question question, Then then) {
    const auto found = std::make_shared<Found>();
    parts_.store.read(
        [found, question = std::move(question)](store::Reader& reader) { return question(reader, *found); },
        [this, hosted, found, then = std::move(then)](errc code) {
            then(*found, said_of(code));
            act(hosted);
        });
}

// ---- reading ----

void ConversationHome::act_on(const HostedPtr& hosted, const im::effect::LookUp& wanted) {
    using Found = std::optional<store::Found>;
    const store::Row conversation = hosted->append.conversation().row();
    ask<Found>(
        hosted,
        [conversation, wanted](store::Reader& reader, Found& found) {
            auto answer = reader.find(wanted.id, conversation, wanted.sender);
            if (!answer) return static_cast<errc>(answer.error().value());
            found = *answer;
            return errc::ok;
        },
        [this, hosted, ticket = wanted.ticket](const Found& found, errc code) {
            if (code != errc::ok) return hosted->append.not_looked_up(ticket, code, now(), effects_);
            std::optional<im::Append::Found> known;
            if (found) known = {found->position, found->time_ms, found->content};
            hosted->append.looked_up(ticket, known, effects_);
        });
}

void ConversationHome::act_on(const HostedPtr& hosted, const im::effect::ReadRef& wanted) {
    using Found = std::optional<im::About>;
    store::PageRequest request;
    request.conversation = hosted->append.conversation().row();
    request.from = wanted.offset;
    request.direction = store::Direction::forward;
    request.limit = 1;
    request.bytes = 0;
    ask<Found>(
        hosted,
        [request](store::Reader& reader, Found& found) {
            const auto page = reader.page(request);
            if (!page) return static_cast<errc>(page.error().value());
            if (!page->entries.empty() && page->entries.front().offset == request.from) {
                const store::Entry& entry = page->entries.front();
                found = {entry.sender, entry.time_ms, entry.kind, entry.blank};
            }
            return errc::ok;
        },
        [this, hosted, ticket = wanted.ticket, of = request.conversation](const Found& found, errc code) {
            if (is_replaced(*hosted, of)) return;
            if (code != errc::ok) return hosted->append.not_looked_up(ticket, code, now(), effects_);
            hosted->append.ref_read(ticket, found);
        });
}

void ConversationHome::act_on(const HostedPtr& hosted, const im::effect::LoadConversation&) {
    struct Found {
        std::optional<store::Conversation> conversation;
        std::vector<model::Member> members;
        std::uint64_t invitations = 0;
    };
    ask<Found>(
        hosted,
        [key = hosted->append.conversation().key(), most = limits_.listed_members,
         most_invited = limits_.max_invitations](store::Reader& reader, Found& found) {
            auto conversation = reader.conversation(key);
            if (!conversation) return static_cast<errc>(conversation.error().value());
            found.conversation = std::move(*conversation);
            if (!found.conversation || found.conversation->removed) return errc::ok;
            if (key.kind() == model::ConversationKind::room) {
                const auto invited = reader.invitations(found.conversation->row, 0, most_invited);
                if (!invited) return static_cast<errc>(invited.error().value());
                found.invitations = invited->size();
            }
            if (found.conversation->members > most) return errc::ok;
            return each_member(reader, found.conversation->row,
                               [&](const model::Member& member) { found.members.push_back(member); });
        },
        [this, hosted](const Found& found, errc code) {
            if (code != errc::ok) return hosted->append.not_loaded(code, now(), effects_);
            const auto& conversation = found.conversation;
            if (!conversation || conversation->removed) return hosted->append.absent();
            hosted->append.loaded(
                {conversation->row, conversation->config, conversation->head, conversation->members, found.invitations},
                found.members, effects_);
        });
}

void ConversationHome::act_on(const HostedPtr& hosted, const im::effect::LoadMember& wanted) {
    using Found = std::optional<model::Member>;
    const store::Row conversation = hosted->append.conversation().row();
    ask<Found>(
        hosted,
        [conversation, user = wanted.user](store::Reader& reader, Found& found) {
            const auto member = reader.member(conversation, user);
            if (!member) return static_cast<errc>(member.error().value());
            found = *member;
            return errc::ok;
        },
        [this, hosted, user = wanted.user, conversation](const Found& found, errc code) {
            if (is_replaced(*hosted, conversation)) return;
            if (code != errc::ok) return hosted->append.member_not_loaded(user, code, now(), effects_);
            model::Member nobody;
            nobody.user = user;
            hosted->append.member_loaded(found.value_or(nobody));
        });
}

void ConversationHome::act_on(const HostedPtr& hosted, const im::effect::FindHeirs& wanted) {
    using Found = std::optional<im::HeirSearch>;
    const store::Row conversation = hosted->append.conversation().row();
    ask<Found>(
        hosted,
        [conversation, leaving = wanted.leaving](store::Reader& reader, Found& found) {
            found.emplace(leaving);
            return each_member(reader, conversation, [&](const model::Member& member) { found->see(member); });
        },
        [this, hosted, wanted](const Found& found, errc code) {
            if (code != errc::ok) return hosted->append.not_looked_up(wanted.ticket, code, now(), effects_);
            hosted->append.heirs_found(wanted.ticket, wanted.leaving, *found);
        });
}

// ---- a direct conversation is begun ----

void ConversationHome::act_on(const HostedPtr& hosted, const im::effect::MakeDirect& wanted) {
    const model::ConversationKey& key = hosted->append.conversation().key();
    std::vector<std::string> users;  // the server has no row
    for (const std::string_view each : {key.first(), key.second()}) {
        if (each != kServerTarget) users.emplace_back(each);
    }
    parts_.rows.find(users, [this, hosted, wanted](const std::vector<im::Row>& rows, errc code) {
        if (code == errc::ok && std::ranges::find(rows, im::Row{0}) != rows.end()) code = errc::unknown_target;
        if (code == errc::ok) {
            const model::ConversationKey& of = hosted->append.conversation().key();
            const im::Row first = of.first() == kServerTarget ? 0 : rows.front();
            const im::Row second = of.second() == kServerTarget ? 0 : rows.back();
            if (wanted.metered) return allow_direct(hosted, wanted.starter, first, second);
            hosted->append.make_direct(first, second, now(), effects_);
        } else {
            const im::Refusal refusal =
                code == errc::unknown_target ? nobody_of_this_name() : im::later(limits_, said_of(code));
            hosted->append.refuse_direct(refusal, now(), effects_);
        }
        act(hosted);
    });
}

// The home of the one who starts it counts.
void ConversationHome::allow_direct(const HostedPtr& hosted, im::Row starter, im::Row first, im::Row second) {
    const model::ConversationKey& key = hosted->append.conversation().key();
    const im::Row other = starter == first ? second : first;
    const std::uint32_t home = parts_.router.home_of(starter == first ? key.first() : key.second());
    parts_.router.ask(
        index_, home,
        [starter, other](Shard& shard) { return shard.conversations()->home.begin_direct(starter, other); },
        [hosted, first, second](Shard& shard, const im::Refused& refused) {
            ConversationHome& self = shard.conversations()->home;
            if (refused) {
                hosted->append.refuse_direct(*refused, self.now(), self.effects_);
            } else {
                hosted->append.make_direct(first, second, self.now(), self.effects_);
            }
            self.act(hosted);
        });
}

// ---- writing ----

ConversationHome::Group& ConversationHome::group() {
    if (group_ == nullptr) {
        if (spare_.empty()) {
            group_ = std::make_unique<Group>();
            group_->batch = std::make_unique<store::WriteBatch>();
        } else {
            group_ = std::move(spare_.back());
            spare_.pop_back();
        }
    }
    return *group_;
}

store::NewEntry ConversationHome::entry_of(const Hosted& hosted, const StoredMessage& message,
                                           std::uint64_t first_sent_ms) {
    store::WriteBatch& batch = *group().batch;
    store::NewEntry entry;
    entry.conversation = hosted.append.conversation().row();
    entry.sender = message.send.sender;
    entry.id = message.send.id;
    entry.kind = message.send.kind;
    entry.encoding = message.encoding;
    entry.flags = message.send.flags;
    entry.ref = message.send.ref;
    entry.content = message.send.content;
    entry.first_sent_ms = first_sent_ms;
    entry.mentions.assign(message.mentions().begin(), message.mentions().end());
    entry.type = batch.add(message.type);
    entry.payload = batch.add(message.payload.view());
    return entry;
}

void ConversationHome::act_on(const HostedPtr& hosted, const im::effect::AppendEntry& wanted) {
    const StoredMessage& message = *kept_.of(wanted.token);
    Group& group = this->group();
    store::Write& write = group.batch->writes.emplace_back();
    write.what = entry_of(*hosted, message, wanted.first_sent_ms);
    group.routes.push_back({hosted, wanted.ticket, wanted.token, nullptr});
    if (session::planted(session::Fault::delivered_before_commit) && hosted->append.conversation().direct())
        pass_on(*hosted, kept_.of(wanted.token), UINT64_MAX);
}

void ConversationHome::act_on(const HostedPtr& hosted, const im::effect::AppendChange& wanted) {
    const im::Plan& plan = *wanted.plan;
    Group& group = this->group();
    store::Change change;
    change.conversation = plan.conversation;
    if (plan.conversation == 0) change.key = hosted->append.conversation().key();
    change.config = plan.config;
    change.members = plan.members;
    change.removed = plan.removed;
    change.keep_from = plan.keep_from;
    if (plan.tells) {
        store::NewEntry entry;
        if (wanted.token != 0) entry = entry_of(*hosted, *kept_.of(wanted.token), wanted.first_sent_ms);
        entry.kind = *plan.tells;
        entry.encoding = model::StoredEncoding::identity;
        entry.payload = group.batch->add(plan.payload);
        change.entry = std::move(entry);
    }
    group.batch->writes.emplace_back().what = std::move(change);
    group.routes.push_back({hosted, wanted.ticket, wanted.token, &plan});
}

void ConversationHome::written(std::unique_ptr<store::WriteBatch> batch, errc code) {
    const auto found = std::ranges::find(in_store_, batch.get(), [](const auto& each) { return each->given; });
    std::unique_ptr<Group> group = std::move(*found);
    in_store_.erase(found);
    group->batch = std::move(batch);
    const std::vector<store::Write>& writes = group->batch->writes;
    for (std::size_t i = 0; i < writes.size(); ++i) {
        const Group::Route& route = group->routes[i];
        if (code != errc::ok && session::planted(session::Fault::failed_group_forgotten)) continue;
        if (code != errc::ok && !session::planted(session::Fault::failed_commit_believed)) {
            route.hosted->append.put_off(route.ticket, said_of(code), now(), effects_);
        } else {
            written_one(route, writes[i].outcome);
        }
        act(route.hosted);
    }
    group->batch->clear();
    group->routes.clear();
    constexpr std::size_t kMostSpare = 4;
    if (spare_.size() < kMostSpare) spare_.push_back(std::move(group));
}

void ConversationHome::written_one(const Group::Route& route, const store::Outcome& outcome) {
    im::Append& append = route.hosted->append;
    switch (outcome.code) {
        case errc::ok: {
            const im::Outcome told = outcome_of(outcome);
            const im::Conversation& conversation = append.conversation();
            const bool sends = route.token != 0 && kept_.of(route.token)->sends();
            const bool tells_itself = route.token != 0 && kept_.of(route.token)->tells_itself();
            if (sends) keep_members(kept_.of(route.token)->mentioned, outcome.mentions);
            if (sends && conversation.direct() && conversation.is_news(told))
                pass_on(*route.hosted, kept_.of(route.token), told.position.offset);
            if (sends && conversation.is_news(told))
                parts_.push.committed(conversation, *kept_.of(route.token), told.position.offset);
            if (route.plan != nullptr) {
                watched_.committed(conversation, *route.plan, told);
                newcomers_.tell(conversation.key(), route.plan->entering, told.stamp);
                newcomers_.tell_invited(conversation.key(), route.plan->invitations);
                if (route.plan->removed && conversation.invitation_count() != 0)
                    newcomers_.tell_uninvited(conversation.key(), conversation.row(), limits_.max_invitations);
            } else if (tells_itself) {
                watched_.committed(conversation, kept_.of(route.token), told);
            }
            return append.committed(route.ticket, told, effects_);
        }
        case errc::storage_full: return append.put_off(route.ticket, outcome.code, now(), effects_);
        case errc::conversation_exists:
            // A direct one has been made by a commit of which nobody heard.
            if (route.plan != nullptr && append.conversation().direct())
                newcomers_.tell(append.conversation().key(), route.plan->entering, 0);
            return append.rejected(route.ticket, outcome.code, now(), effects_);
        default: return append.rejected(route.ticket, outcome.code, now(), effects_);
    }
}

}  // namespace flare::server
