#include "server/conversations/push_reading.hpp"

#include "base/keyed_hash.hpp"
#include "server/conversations/entry_writer.hpp"
#include "server/conversations/opened.hpp"
#include "server/conversations/sync_reading.hpp"
#include "wire/sync.hpp"

#include <flare/message.hpp>

#include <algorithm>
#include <array>
#include <cstdio>
#include <optional>
#include <utility>

namespace flare::server::reading {
namespace {

constexpr std::uint32_t kMostUnreadOfBadge = wire::im::kMaxUnread;
constexpr std::uint32_t kConversationsOfBadge = 200;
constexpr std::uint32_t kEntriesLookedAt = 16;           // for the newest message that is not deleted or the user's own
constexpr std::size_t kMostInflatedForPush = 64 * 1024;  // of a payload

Result<std::vector<PushDevice>> devices_of(store::Reader& reader, store::Row user) {
    auto found = reader.push_devices(user);
    if (!found) return code_of(found);
    std::vector<PushDevice> devices;
    for (store::PushDevice& each : *found)
        devices.push_back(
            {std::move(each.device), std::move(each.service), std::move(each.token), std::move(each.app)});
    return devices;
}

Result<PushBadge> badge_of(store::Reader& reader, store::Row user) {
    store::ListRequest request;
    request.user = user;
    request.limit = kConversationsOfBadge;
    const auto list = reader.list(request);
    if (!list) return code_of(list);
    PushBadge badge;
    badge.more = list->more;
    for (const store::Listed& each : list->found) {
        if (each.is_gone() || each.conversation.head.messages <= each.mark.messages) continue;
        if (badge.messages == kMostUnreadOfBadge) {
            badge.more = true;
            break;
        }
        const auto unread = reader.unread(each, kMostUnreadOfBadge - badge.messages);
        if (!unread) return code_of(unread);
        badge.messages += unread->count;
        badge.conversations += unread->count != 0;
        badge.more |= unread->more;
    }
    return badge;
}

// The newest message of the item that the user may be told of; nothing: there is none any more.
Result<std::optional<store::Entry>> newest_for(store::Reader& reader, const PushItem& item, store::Row user,
                                               std::uint64_t floor) {
    store::PageRequest request;
    request.conversation = item.conversation;
    request.from = item.last;
    request.floor = std::max(item.first, floor);
    request.direction = store::Direction::backward;
    request.limit = kEntriesLookedAt;
    request.bytes = kMostInflatedForPush;
    auto page = reader.page(request);
    if (!page) return code_of(page);
    const auto tells = [user](const store::Entry& each) {
        return each.kind == model::EntryKind::message && !each.blank && each.sender != user &&
               (each.flags & model::kSilent) == 0;
    };
    const auto newest = std::find_if(page->entries.rbegin(), page->entries.rend(), tells);
    if (newest == page->entries.rend()) return std::optional<store::Entry>();
    return std::optional(std::move(*newest));
}

errc add_preview(store::Reader& reader, const store::Entry& entry, PushedMessage& to) {
    std::vector<wire::im::Entry> read;
    EntryWriter writer(reader, 0, kMostInflatedForPush);
    const auto taken = writer.add(entry, read);
    if (!taken) return code_of(taken);
    const std::string_view payload = read.front().payload;
    to.preview = Bytes(payload.substr(0, PushedMessage::kPreviewBytes));
    to.whole = payload.size() <= PushedMessage::kPreviewBytes;
    return errc::ok;
}

bool is_short_enough(const store::Entry& entry) {
    const wire::Encoding encoding = encoding_of(entry.encoding);
    return encoding == wire::Encoding::none || wire::size_said_by(encoding, entry.payload) <= kMostInflatedForPush;
}

// Nothing: there is nothing to tell of it.
Result<std::optional<PushedMessage>> message_for(store::Reader& reader, const PushItem& item, std::string_view user,
                                                 store::Row row, std::uint64_t now_ms) {
    const auto awaits = reader.awaits_push(item.conversation, row, item.last, now_ms);
    if (!awaits) return code_of(awaits);
    if (!*awaits) return std::optional<PushedMessage>();
    const auto conversation = reader.conversation(item.conversation);
    if (!conversation) return code_of(conversation);
    if (!*conversation || (*conversation)->removed) return std::optional<PushedMessage>();
    const auto standing = reader.standing(item.conversation, row);
    if (!standing) return code_of(standing);
    const std::uint64_t cleared_to = *standing ? (*standing)->settings.cleared_to : 0;
    const auto entry = newest_for(reader, item, row, cleared_to + 1);
    if (!entry) return code_of(entry);
    if (!*entry) return std::optional<PushedMessage>();
    std::string sender(kServerTarget);
    if ((*entry)->sender != 0) {
        auto name = reader.user_name((*entry)->sender);
        if (!name) return code_of(name);
        sender = name->value_or(std::string());
    }
    PushedMessage message;
    message.conversation = name_of(item.key, user);
    message.title = (*conversation)->config.title;
    message.collapse_key = collapse_key_of(item.key);
    message.from = std::move(sender);
    message.id = (*entry)->id;
    message.position = {(*conversation)->head.last.epoch, (*entry)->offset};
    message.time = wire::to_time(static_cast<std::int64_t>((*entry)->time_ms));
    message.type = (*entry)->type;
    if (is_short_enough(**entry)) {
        if (const errc code = add_preview(reader, **entry, message); code != errc::ok) return code;
    }
    return std::optional(std::move(message));
}

}  // namespace

std::string collapse_key_of(const model::ConversationKey& key) {
    std::array<char, 17> text{};
    const std::uint64_t hash = base::sip_hash<2, 4>({}, key.text());
    std::snprintf(text.data(), text.size(), "%016llx", static_cast<unsigned long long>(hash));
    return text.data();
}

Result<std::vector<std::string>> push_recipients(store::Reader& reader, const PushWaiting::Step& step,
                                                 std::uint64_t now_ms, std::uint32_t most) {
    std::vector<store::Row> users;
    if (step.large) {
        for (const store::Row user : step.mentions) {
            const auto awaits = reader.awaits_push(step.conversation, user, step.last, now_ms);
            if (!awaits) return code_of(awaits);
            if (*awaits) users.push_back(user);
        }
    } else {
        auto found = reader.push_recipients(step.conversation, step.last, now_ms, most);
        if (!found) return code_of(found);
        users = std::move(*found);
    }
    std::vector<std::string> names;
    for (const store::Row user : users) {
        auto name = reader.user_name(user);
        if (!name) return code_of(name);
        if (*name) names.push_back(std::move(**name));
    }
    return names;
}

Result<FoundPush> push_of(store::Reader& reader, const PushBatches::Batch& batch, std::uint64_t now_ms) {
    FoundPush found;
    const auto row = reader.user(batch.user);
    if (!row) return code_of(row);
    if (!*row) return found;
    auto devices = devices_of(reader, **row);
    if (!devices) return code_of(devices);
    if (devices->empty()) return found;
    for (const PushItem& each : batch.items) {
        auto message = message_for(reader, each, batch.user, **row, now_ms);
        if (!message) return code_of(message);
        if (!*message) continue;
        found.request.messages.push_back(std::move(**message));
        found.items.push_back(each);
    }
    if (found.items.empty()) return found;
    const auto badge = badge_of(reader, **row);
    if (!badge) return code_of(badge);
    found.request.user = batch.user;
    found.request.devices = std::move(*devices);
    found.request.badge = *badge;
    return found;
}

Result<PushCleared> cleared_of(store::Reader& reader, const PushReadMark& mark) {
    PushCleared cleared;
    const auto row = reader.user(mark.user);
    if (!row) return code_of(row);
    if (!*row) return cleared;
    auto devices = devices_of(reader, **row);
    if (!devices) return code_of(devices);
    if (devices->empty()) return cleared;
    const auto badge = badge_of(reader, **row);
    if (!badge) return code_of(badge);
    cleared.user = mark.user;
    cleared.devices = std::move(*devices);
    cleared.conversation = name_of(mark.key, mark.user);
    cleared.collapse_key = collapse_key_of(mark.key);
    cleared.upto = mark.upto;
    cleared.badge = *badge;
    return cleared;
}

}  // namespace flare::server::reading
