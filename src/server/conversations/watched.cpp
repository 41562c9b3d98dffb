#include "server/conversations/watched.hpp"

#include "im/planted.hpp"
#include "server/conversations/entry_writer.hpp"
#include "server/conversations/feed_blocks.hpp"

#include <algorithm>
#include <utility>

namespace flare::server {

Watched::Watch* Watched::find(const model::ConversationKey& key) {
    const auto found = by_key_.find(key.text());
    return found == by_key_.end() ? nullptr : found->second.get();
}

const im::Conversation* Watched::known(const model::ConversationKey& key) const {
    const Hosted* const hosted = hosted_.find(key);
    return hosted != nullptr && hosted->append.conversation().present() ? &hosted->append.conversation() : nullptr;
}

// ---- from workers ----

void Watched::watch(std::uint32_t worker, Watcher who, const model::ConversationKey& key, std::uint64_t generation) {
    const std::uint32_t place = place_of(worker, who);
    Watch* watch = find(key);
    const bool first = watch == nullptr;
    if (first) {
        auto made = std::make_unique<Watch>(key, ++last_number_);
        watch = made.get();
        by_key_.emplace(watch->key.text(), std::move(made));
    }
    std::erase_if(watch->watchers, [&](const Hearer& each) { return each.place == place; });
    watch->watchers.push_back({place, generation});
    if (const im::Conversation* const conversation = known(key); !watch->told && conversation != nullptr)
        knows_end(*watch, *conversation);
    if (watch->told) return answer(*watch);
    if (!first) return;
    if (asked_.empty()) turn_ends_();
    asked_.push_back({watch->key, watch->number});
}

void Watched::knows_end(Watch& watch, const im::Conversation& conversation) const {
    watch.told = conversation.head().last.offset;
    watch.end = end_of(conversation.head());
    watch.row = conversation.row();
}

void Watched::unwatch(std::uint32_t worker, Watcher who, const model::ConversationKey& key) {
    Watch* const watch = find(key);
    if (watch == nullptr) return;
    std::erase_if(watch->watchers, [&](const Hearer& each) { return each.place == place_of(worker, who); });
    if (watch->watchers.empty()) by_key_.erase(by_key_.find(key.text()));
}

void Watched::ask_ends() {
    if (asked_.empty()) return;
    const auto ends = std::make_shared<std::vector<End>>(std::exchange(asked_, {}));
    store_.read(
        [ends](store::Reader& reader) {
            for (End& each : *ends) {
                const auto conversation = reader.conversation(each.key);
                if (!conversation) return static_cast<errc>(conversation.error().value());
                if (!*conversation || (*conversation)->removed) continue;
                each.told = (*conversation)->head.last.offset;
                each.end = end_of((*conversation)->head);
                each.row = (*conversation)->row;
            }
            return errc::ok;
        },
        [this, ends](errc code) {
            for (const End& each : *ends) end_read(each, code);
        });
}

// The home may have loaded it meanwhile, and written to it: then it knows better, and may not have told of all yet.
void Watched::end_read(const End& end, errc code) {
    Watch* const watch = find(end.key);
    if (watch == nullptr || watch->number != end.number || watch->told) return;
    if (const im::Conversation* const conversation = known(end.key); conversation != nullptr) {
        knows_end(*watch, *conversation);
    } else if (code == errc::ok) {
        watch->told = end.told;
        watch->end = end.end;
        watch->row = end.row;
    } else {
        answer(*watch, code);
        by_key_.erase(by_key_.find(end.key.text()));  // who still wants to know asks again
        return;
    }
    answer(*watch);
}

void Watched::answer(Watch& watch, errc code) {
    bool told = false;
    for (Hearer& each : watch.watchers) {
        if (std::exchange(each.answered, true)) continue;
        told = true;
        FeedNews news;
        news.what = code == errc::ok ? FeedNews::What::registered : FeedNews::What::not_registered;
        news.key = watch.key;
        news.generation = each.generation;
        news.offset = watch.told.value_or(0);
        news.row = watch.row;
        news.end = watch.end;
        news.code = code;
        news_[each.place].push_back(std::make_shared<const FeedNews>(std::move(news)));
    }
    if (told) turn_ends_();
}

// ---- from the home ----

void Watched::committed(const im::Conversation& conversation, const std::shared_ptr<StoredMessage>& message,
                        const im::Outcome& outcome) {
    Watch* const watch = by_key_.empty() ? nullptr : find(conversation.key());
    if (watch == nullptr || !conversation.is_news(outcome)) return;
    watch->deleted |= message->send.kind == model::EntryKind::removal;
    if (!watch->told) return;
    const std::uint64_t next = (watch->written.empty() ? *watch->told : watch->written.back().offset) + 1;
    if (outcome.position.offset == next) watch->written.push_back({message, next, outcome.time_ms, outcome.messages});
}

void Watched::committed(const im::Conversation& conversation, const im::Plan& plan, const im::Outcome& outcome) {
    Watch* const watch = by_key_.empty() ? nullptr : find(conversation.key());
    if (watch == nullptr) return;
    if (plan.removed) watch->destroyed = conversation.head().last.offset + 1;
    for (const model::Member& member : plan.members) {
        if (member.role == model::Role::none) watch->removals.push_back({member.user, outcome.position.offset});
    }
}

void Watched::tell(const im::Conversation& conversation) {
    Watch* const watch = by_key_.empty() ? nullptr : find(conversation.key());
    if (watch == nullptr) return;
    if (conversation.present() && !watch->destroyed) {
        const std::uint64_t last = conversation.head().last.offset;
        watch->row = conversation.row();
        watch->end = end_of(conversation.head());
        if (!watch->told) {
            watch->told = last;
            answer(*watch);
        } else if (last > *watch->told) {
            FeedNews news;
            news.what = FeedNews::What::told;
            news.offset = last;
            news.row = watch->row;
            news.end = watch->end;
            news.deleted = watch->deleted;
            news.mentions = mentions_in(watch->written);
            if (has_feeds(*watch)) news.blocks = blocks_of(*watch, conversation);
            give(*watch, std::move(news));
            watch->told = last;
        }
    }
    for (const Removal& each : watch->removals) {
        FeedNews news;
        news.what = FeedNews::What::removed;
        news.user = each.user;
        news.offset = each.offset;
        give(*watch, std::move(news));
    }
    if (const auto end = std::exchange(watch->destroyed, std::nullopt)) {
        FeedNews news;
        news.what = FeedNews::What::destroyed;
        news.offset = *end;
        give(*watch, std::move(news));
        watch->told = 0;
        watch->end = LogEnd();
        watch->row = 0;
        answer(*watch);
    }
    watch->removals.clear();
    watch->written.clear();
    watch->deleted = false;
}

// A silent message counts as unread for nobody.
std::vector<Mention> Watched::mentions_in(const std::vector<Written>& written) {
    std::vector<Mention> found;
    if (im::planted(im::Fault::mention_not_told)) return found;
    for (const Written& each : written) {
        const StoredMessage& message = *each.message;
        if (!message.sends() || message.is_silent()) continue;
        for (const im::Row user : message.mentions()) found.push_back({user, message.send.sender, each.offset});
        if (message.mentions_all()) found.push_back({0, message.send.sender, each.offset});
    }
    return found;
}

std::vector<im::BlockPtr> Watched::blocks_of(const Watch& watch, const im::Conversation& conversation) const {
    BlockWriter blocks(conversation.member_count() <= wire::im::kMaxOthers);
    // Of a message that is deleted in the same turn, an edit goes nowhere.
    const auto is_deleted = [&](std::uint64_t offset) {
        return watch.deleted && std::ranges::any_of(watch.written, [&](const Written& other) {
                   const im::Send& send = other.message->send;
                   return send.kind == model::EntryKind::removal && send.ref == offset;
               });
    };
    for (const Written& each : watch.written) {
        const StoredMessage& message = *each.message;
        wire::im::Entry entry;
        entry.offset = each.offset;
        entry.kind = message.send.kind;
        entry.id = message.send.id;
        entry.from = *message.from;
        entry.time_ms = static_cast<std::int64_t>(each.time_ms);
        entry.type = message.type;
        entry.payload = message.payload.view();
        entry.encoding = reading::encoding_of(message.encoding);
        if (entry.encoding != wire::Encoding::none)
            entry.size = wire::size_said_by(entry.encoding, message.payload.view());
        entry.ref = message.send.ref;
        entry.flags = message.send.flags;
        entry.messages = each.messages;
        if (message.mentioned != nullptr && !message.mentioned->names.empty()) {
            entry.flags |= model::kNamesUsers;
            entry.mentions.assign(message.mentioned->names.begin(), message.mentioned->names.end());
        }
        if (entry.kind == model::EntryKind::edit && is_deleted(entry.ref)) {
            entry.payload = {};
            entry.encoding = wire::Encoding::none;
            entry.size = 0;
            entry.flags |= model::kDeleted;
        }
        // A receipt is the entry of a message; who has changed one hears of it as others do.
        blocks.add(entry, message.sends() ? message.send.session : 0);
    }
    return blocks.finish();
}

void Watched::give(const Watch& watch, FeedNews news) {
    news.key = watch.key;
    const auto shared = std::make_shared<const FeedNews>(std::move(news));
    for (const Hearer& each : watch.watchers) {
        if (each.answered) news_[each.place].push_back(shared);
    }
}

void Watched::take(std::uint32_t worker, Watcher who, std::vector<FeedNewsPtr>& to) {
    std::vector<FeedNewsPtr>& news = news_[place_of(worker, who)];
    to.insert(to.end(), news.begin(), news.end());
    news.clear();
}

}  // namespace flare::server
