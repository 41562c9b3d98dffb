#include "server/hooks/batch.hpp"

#include "server/api/forms.hpp"
#include "server/conversations/entry_writer.hpp"
#include "wire/entries.hpp"

#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>

#include <array>
#include <cstdio>
#include <optional>
#include <utility>
#include <vector>

namespace flare::server::hooks {
namespace {

using boost::json::array;
using boost::json::object;
using model::EntryKind;

std::string hex(std::uint64_t number) {
    std::array<char, 17> text{};
    std::snprintf(text.data(), text.size(), "%016llx", static_cast<unsigned long long>(number));
    return text.data();
}

// Nothing: of a kind that this version does not know.
std::optional<Event> event_of_change(const wire::im::Entry& entry) {
    const auto change = wire::decode_conversation_change(entry.payload);
    if (!change) return std::nullopt;
    switch (change->kind) {
        case wire::ChangeKind::created: return Event::conversation_created;
        case wire::ChangeKind::joined: return Event::member_joined;
        case wire::ChangeKind::left: return Event::member_left;
        case wire::ChangeKind::added: return Event::member_added;
        case wire::ChangeKind::removed: return Event::member_removed;
        case wire::ChangeKind::role: return Event::member_role;
        case wire::ChangeKind::muted: return Event::member_muted;
        case wire::ChangeKind::banned: return Event::member_banned;
        case wire::ChangeKind::invited: return Event::member_invited;
        case wire::ChangeKind::config: return Event::conversation_updated;
        case wire::ChangeKind::unspecified: break;
    }
    return std::nullopt;
}

std::optional<Event> event_of_entry(const wire::im::Entry& entry) {
    switch (entry.kind) {
        case EntryKind::message:
        case EntryKind::system: return Event::message_created;
        case EntryKind::edit: return Event::message_updated;
        case EntryKind::removal: return Event::message_deleted;
        case EntryKind::reaction:
            return (entry.flags & model::kTakenBack) != 0 ? Event::reaction_removed : Event::reaction_added;
        case EntryKind::membership:
        case EntryKind::config: return event_of_change(entry);
    }
    return std::nullopt;
}

object place_of(const store::LoggedEntry& logged) {
    object data;
    if (logged.key.kind() == model::ConversationKind::room)
        data["conversation"] = api::room_name(logged.key);
    else
        data["users"] = array{logged.key.first(), logged.key.second()};
    data["epoch"] = api::number_text(logged.epoch);
    return data;
}

// Before the names of an entry are read.
bool may_want(const EventSet& wanted, const store::Entry& entry) {
    switch (entry.kind) {
        case EntryKind::message:
        case EntryKind::system: return wanted.has(Event::message_created);
        case EntryKind::edit: return wanted.has(Event::message_updated);
        case EntryKind::removal: return wanted.has(Event::message_deleted);
        default: return true;
    }
}

class EventList {
public:
    EventList(store::Reader& reader, const EventSet& wanted, Batch& batch)
        : writer_(reader, 0, SIZE_MAX), wanted_(wanted), batch_(batch) {}

    Result<> add(const store::LoggedEntry& logged) {
        if (logged.ended) {
            if (wanted_.has(Event::conversation_ended)) put(Event::conversation_ended, logged, "end", place_of(logged));
            return {};
        }
        if (!may_want(wanted_, logged.entry)) return {};
        told_.clear();
        const auto added = writer_.add(logged.entry, told_);
        if (!added) return added.error();
        const auto event = event_of_entry(told_.front());
        if (!event || !wanted_.has(*event)) return {};
        object data = place_of(logged);
        data["entry"] = api::json_of(told_.front());
        put(*event, logged, std::to_string(logged.entry.offset), std::move(data));
        return {};
    }
    array take() { return std::move(events_); }

private:
    void put(Event event, const store::LoggedEntry& logged, std::string_view what, object data) {
        const std::string id = hex(logged.epoch) + "-" + std::string(what);
        events_.push_back(event_of(event, id, logged.entry.time_ms, std::move(data)));
        if (batch_.events++ == 0) {
            batch_.first = logged.place;
            batch_.oldest_ms = logged.entry.time_ms;
        }
    }

    reading::EntryWriter writer_;
    const EventSet& wanted_;
    Batch& batch_;
    std::vector<wire::im::Entry> told_;
    array events_;
};

}  // namespace

object event_of(Event event, std::string_view id, std::uint64_t unix_ms, object data) {
    return {{"id", id}, {"type", name(event)}, {"timestamp", api::time_text(unix_ms)}, {"data", std::move(data)}};
}

std::string body_of(std::string_view hook, array events) {
    return boost::json::serialize(object{{"hook", hook}, {"events", std::move(events)}});
}

Result<Batch> read_batch(store::Reader& reader, std::string_view hook, const EventSet& wanted, std::uint64_t after,
                         std::uint64_t generation) {
    const auto part = reader.backend().log({after, kMostEvents, kMostBytes});
    if (!part) return part.error();
    Batch batch;
    batch.last = part->entries.empty() ? after : part->entries.back().place;
    batch.more = part->more;
    batch.newest = part->newest;
    batch.removed = part->removed;
    EventList events(reader, wanted, batch);
    for (const store::LoggedEntry& each : part->entries)
        if (auto good = events.add(each); !good) return good.error();
    if (batch.events == 0) return batch;
    batch.id = std::string(hook) + "-" + hex(generation) + "-" + std::to_string(batch.first) + "-" +
               std::to_string(batch.last);
    batch.body = body_of(hook, events.take());
    return batch;
}

}  // namespace flare::server::hooks
