// docs/vectors/requests: the bodies of requests and responses, byte for byte, as vectors_test.cpp does for batches.
#include "support.hpp"
#include "vector_cases.hpp"

#include "wire/feeds.hpp"
#include "wire/json.hpp"
#include "wire/signals.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <set>
#include <sstream>

namespace flare::wire::test {
namespace {

struct BodyCase {
    std::string name;
    std::string about;
    Verb verb = Verb::unspecified;
    bool response = false;
    std::string body;
    errc refused = errc::ok;

    const Schema& schema() const { return response ? *im::response_schema(verb) : *im::request_schema(verb); }
    std::string path() const { return vector_path("requests/" + name); }
    // For the fuzz target: which body it is, and the body.
    std::string seed() const { return static_cast<char>(static_cast<unsigned>(verb) * 2 + (response ? 1 : 0)) + body; }
};

// Opaque to clients: these are as this server makes them.
const std::string kCursor = from_hex("3a7c51e09b2d4f86 c1d7000000000000");
const std::string kNextPage =
    from_hex("3a7c51e09b2d4f86 0000000000000000 c1d7000000000000 b2d7000000000000 1100000000000000");

const std::string kPacked = from_hex("1f 8b 08 00 01 02");  // nobody inflates it here

im::Head lunch_head() { return {0x8f3a5c17d2e94b60, 1, 1'205, 1'100}; }

im::Entry lunch_entry() {
    im::Entry entry;
    entry.offset = 1'204;
    entry.kind = model::EntryKind::message;
    entry.id = uuid("01910a3e-5c00-7b1a-8d5e-0123456789ab");
    entry.from = "ada";
    entry.time_ms = 1'722'470'400'131;
    entry.type = "chat";
    entry.payload = "hello";
    entry.messages = 1'099;
    return entry;
}

std::vector<BodyCase> body_cases() {
    std::vector<BodyCase> cases;
    im::ConversationCreate room;
    room.name = "lunch";
    room.title = "Lunch \xe2\x98\x80";
    room.join = model::Join::open;
    room.visibility = model::Visibility::all;
    room.members = {"bob", "eve"};
    cases.push_back({"conversation-create", "A room that anybody may join and read from the beginning",
                     Verb::conversation_create, false, im::encode(room)});
    im::ConversationCreate direct;
    direct.user = "bob";
    cases.push_back(
        {"conversation-create-direct", "A direct conversation", Verb::conversation_create, false, im::encode(direct)});
    cases.push_back({"conversation-ref", "conversation.get, .join and .leave name a conversation",
                     Verb::conversation_leave, false, im::encode(im::ConversationRef{"room:lunch"})});
    im::Conversation state;
    state.conversation = "room:lunch";
    state.head = lunch_head();
    state.title = "Lunch";
    state.join = model::Join::open;
    state.role = model::Role::member;
    state.visible_from = 1'205;
    state.members = 17;
    state.max_payload_bytes = 65'536;
    state.written = im::Written{0x8f3a5c17d2e94b60, 1'205, 1'722'470'400'216};
    cases.push_back({"conversation", "What conversation.join answers: the state, and the entry that it has written",
                     Verb::conversation_join, true, im::encode(state)});
    cases.push_back({"written", "The entry that a request has written", Verb::conversation_leave, true,
                     im::encode(im::Written{0x8f3a5c17d2e94b60, 1'205, 1'722'470'400'216})});
    im::MemberChange add;
    add.conversation = "room:lunch";
    add.users = {"eve", "grace"};
    add.role = model::Role::moderator;
    cases.push_back({"member-add", "Two users become moderators of a room", Verb::member_add, false, im::encode(add)});
    im::MemberChange owner;
    owner.conversation = "room:lunch";
    owner.users = {"eve"};
    owner.role = model::Role::owner;
    cases.push_back({"member-role", "A member becomes an owner", Verb::member_role, false, im::encode(owner)});
    cases.push_back({"member-mute", "A member may not write until then", Verb::member_mute, false,
                     im::encode(im::MemberUntil{"room:lunch", "eve", 1'722'474'000'000})});
    cases.push_back({"member-ban", "A user may not join, for ever", Verb::member_ban, false,
                     im::encode(im::MemberUntil{"room:lunch", "eve", UINT64_MAX})});
    cases.push_back({"user-block", "A user takes nothing from bob any more", Verb::user_block, false,
                     im::encode(im::ConversationRef{"bob"})});
    im::ConversationUpdate update;
    update.conversation = "room:lunch";
    update.changes = im::ConversationUpdate::kTitle | im::ConversationUpdate::kSlowMode;
    update.title = "Lunch at 12";
    update.slow_mode_ms = 30'000;
    cases.push_back({"conversation-update", "A room has another title, and slow mode; the rest stays",
                     Verb::conversation_update, false, im::encode(update)});
    im::MemberQuery list;
    list.conversation = "room:lunch";
    list.after = "bob";
    list.limit = 100;
    cases.push_back({"member-list", "The members behind bob", Verb::member_list, false, im::encode(list)});
    im::MemberPage members;
    members.members = {{"eve", model::Role::moderator, 1'722'470'400'000, 0},
                       {"grace", model::Role::reader, 1'722'470'400'000, 1'722'474'000'000}};
    members.more = true;
    cases.push_back({"member-page", "Two members, one of them muted, and there are more", Verb::member_list, true,
                     im::encode(members)});
    im::HistoryQuery before;
    before.conversation = "room:lunch";
    before.before = 1'205;
    before.limit = 50;
    cases.push_back({"history-before", "The 50 entries before an offset", Verb::history, false, im::encode(before)});
    im::HistoryQuery after;
    after.conversation = "bob";
    after.bytes = 32'768;
    after.forward = true;
    cases.push_back({"history-forward", "A direct conversation from its beginning, 32 KiB of it", Verb::history, false,
                     im::encode(after)});
    im::HistoryPage page;
    page.head = lunch_head();
    page.entries = {lunch_entry(), lunch_entry()};
    im::Entry& removal = page.entries[1];
    removal.offset = 1'205;
    removal.kind = model::EntryKind::removal;
    removal.type = removal.payload = {};
    removal.ref = 1'204;
    removal.flags = model::kSilent;
    page.more = true;
    cases.push_back({"history-page", "A message, and that it was removed", Verb::history, true, im::encode(page)});
    im::Subscribe from;
    from.conversation = "room:lunch";
    from.epoch = 0x8f3a5c17d2e94b60;
    from.after = 1'204;
    from.id = uuid("01910a3e-5c00-7b1a-8d5e-0123456789ab");
    cases.push_back({"subscribe", "A feed from the entry on behind the last one that is known", Verb::subscribe, false,
                     im::encode(from)});
    im::Subscribe all;
    all.conversation = "bob";
    all.complete = true;
    cases.push_back({"subscribe-newest",
                     "A feed of a direct conversation from the newest entry on, never reset for distance",
                     Verb::subscribe, false, im::encode(all)});
    im::Subscribed subscribed;
    subscribed.feed = 7;
    subscribed.head = lunch_head();
    subscribed.visible_from = 1;
    subscribed.next = 1'205;
    cases.push_back(
        {"subscribed", "The number of the feed, and where it begins", Verb::subscribe, true, im::encode(subscribed)});
    subscribed.next = 1'156;
    subscribed.reset = im::FeedReset{im::FeedResetReason::diverged, 1, 1'205, 1'156, 0x8f3a5c17d2e94b60};
    cases.push_back({"subscribed-reset", "The log has another entry there: the feed begins with the last 50",
                     Verb::subscribe, true, im::encode(subscribed)});
    cases.push_back({"unsubscribe", "A feed is no longer wanted", Verb::unsubscribe, false,
                     im::encode(im::Unsubscribe{"room:lunch"})});
    cases.push_back({"unsubscribed", "It has ended", Verb::unsubscribe, true, im::encode(im::Unsubscribed{})});
    im::Sync sync;
    sync.cursor = kCursor;
    sync.limit = 20;
    sync.entries = 10;
    sync.feeds = true;
    cases.push_back({"sync", "What has changed since a cursor, with feeds", Verb::sync, false, im::encode(sync)});
    im::Sync next_page;
    next_page.page = kNextPage;
    next_page.limit = 200;
    next_page.entries = 1;
    cases.push_back({"sync-page", "The page behind another one", Verb::sync, false, im::encode(next_page)});
    im::SyncPage listed;
    im::SyncedConversation& lunch = listed.conversations.emplace_back();
    lunch.about = state;
    lunch.about->written.reset();
    lunch.last_ms = 1'722'470'400'216;
    lunch.mark = im::ReadMark{1'203, 1, false};
    lunch.entries = {lunch_entry()};
    lunch.feed = 7;
    listed.gone = {"room:breakfast"};
    listed.next = kNextPage;
    listed.cursor = kCursor;
    cases.push_back({"synced",
                     "A conversation with its newest entry and its feed, one that is gone, and there are more",
                     Verb::sync, true, im::encode(listed)});
    im::SyncPage last;
    last.cursor = kCursor;
    last.whole = true;
    last.feeds = {{"bob", 8}, {"room:tea", 9}};
    cases.push_back(
        {"synced-last", "Nothing has changed: feeds of two conversations", Verb::sync, true, im::encode(last)});
    cases.push_back({"read-mark", "Everything up to an offset is read", Verb::read_mark, false,
                     im::encode(im::MarkRead{"room:lunch", 0x8f3a5c17d2e94b60, 1'205})});
    cases.push_back({"read-mark-now", "The mark as it is then, and what is behind it", Verb::read_mark, true,
                     im::encode(im::ReadMark{1'205, 999, true, 2'317, 2'204})});

    cases.push_back({"message-edit", "A message has another content", Verb::message_edit, false,
                     im::encode(im::MessageEdit{"room:lunch", 0x8f3a5c17d2e94b60, 1'204, "chat", "hello, all"})});
    im::MessageEdit packed{"room:lunch", 0, 1'204, {}, kPacked, Encoding::gzip, 1'000};
    cases.push_back({"message-edit-packed", "A compressed one, of the same type, in whichever log there is",
                     Verb::message_edit, false, im::encode(packed)});
    cases.push_back({"message-delete", "A message is deleted", Verb::message_delete, false,
                     im::encode(im::MessageDelete{"room:lunch", 0x8f3a5c17d2e94b60, 1'204})});
    cases.push_back({"message-react", "A reaction to a message", Verb::message_react, false,
                     im::encode(im::MessageReaction{"room:lunch", 0x8f3a5c17d2e94b60, 1'204, "\xf0\x9f\x91\x8d"})});
    cases.push_back({"message-changed", "What a request has changed is an entry", Verb::message_unreact, true,
                     im::encode(im::Written{0x8f3a5c17d2e94b60, 1'207, 1'722'470'400'216})});
    im::HistoryPage changed;
    changed.head = lunch_head();
    changed.entries = {lunch_entry(), lunch_entry(), lunch_entry()};
    changed.entries[0].rev = 1'205;
    changed.entries[0].reactions = {{"\xe2\x9d\xa4", 2, true}, {"\xf0\x9f\x91\x8d", 117, false}};
    changed.entries[0].reactions_upto = 1'207;
    changed.entries[1].offset = 1'206;
    changed.entries[1].payload = {};
    changed.entries[1].rev = 1'207;
    changed.entries[1].flags = model::kDeleted;
    changed.entries[2].offset = 1'207;
    changed.entries[2].kind = model::EntryKind::reaction;
    changed.entries[2].type = {};
    changed.entries[2].payload = "\xe2\x9d\xa4";
    changed.entries[2].ref = 1'204;
    changed.entries[2].flags = model::kTakenBack;
    cases.push_back(
        {"history-changed",
         "A message that was edited, with its reactions; one that was deleted; a reaction that was taken back",
         Verb::history, true, im::encode(changed)});

    cases.push_back({"readers", "Who has read a message", Verb::readers, false,
                     im::encode(im::ReaderQuery{"room:lunch", 0x8f3a5c17d2e94b60, 1'204, "bob", 100})});
    im::ReaderPage readers;
    readers.readers = {{"eve", 1'205, 1'206}, {"grace", 1'204, 1'204}};
    readers.read = 3;
    readers.delivered = 9;
    readers.members = 16;
    cases.push_back(
        {"reader-page", "Two of the three who have read it, behind bob", Verb::readers, true, im::encode(readers)});
    cases.push_back({"read-unmark", "A conversation is unread from a message on", Verb::read_unmark, false,
                     im::encode(im::MarkRead{"room:lunch", 0x8f3a5c17d2e94b60, 1'204})});
    cases.push_back({"read-unmark-now", "The mark stays, and the user has said where to begin", Verb::read_unmark, true,
                     im::encode(im::ReadMark{1'205, 1, false, 1'205, 1'100, 1'204})});
    subscribed.reset.reset();
    subscribed.next = 1'205;
    subscribed.others = {{"eve", 1'200, 1'205}};
    cases.push_back({"subscribed-others", "How far others have come in a small room", Verb::subscribe, true,
                     im::encode(subscribed)});
    im::Typing typing;
    typing.conversation = "room:lunch";
    typing.on = true;
    cases.push_back({"typing", "The user types", Verb::typing, false, im::encode(typing)});
    cases.push_back({"done", "It is done", Verb::typing, true, im::encode(im::Done{})});
    cases.push_back({"presence-set", "Nobody looks at this device", Verb::presence_set, false,
                     im::encode(im::PresenceSet{im::Presence::away})});
    cases.push_back({"presence-subscribe", "Who of them is there, from now on", Verb::presence_subscribe, false,
                     im::encode(im::PresenceUsers{{"bob", "eve"}})});
    im::PresenceSnapshot there;
    there.states = {{"bob", im::Presence::online, 0}, {"eve", im::Presence::offline, 1'722'470'400'216}};
    there.lease_ms = 600'000;
    cases.push_back(
        {"presence-snapshot", "One is there, the other was", Verb::presence_subscribe, true, im::encode(there)});
    cases.push_back({"occupancy", "How many of a room's members are there", Verb::occupancy_get, true,
                     im::encode(im::Occupancy{5, 17})});
    cases.push_back({"push-register", "A device can be woken", Verb::push_register, false,
                     im::encode(im::PushDevice{"fcm", "d1a9...", "lunch-app"})});
    cases.push_back({"push-unregister", "It is not to be woken any more", Verb::push_unregister, false,
                     im::encode(im::PushUnregister{})});
    im::BanPage bans;
    bans.bans = {{"mallory", UINT64_MAX}, {"trent", 1'722'474'000'000}};
    bans.more = true;
    cases.push_back({"ban-page", "Two users are banned, one of them for ever, and there are more", Verb::ban_list, true,
                     im::encode(bans)});
    cases.push_back(
        {"block-list", "Whom the user has blocked", Verb::block_list, false, im::encode(im::BlockQuery{"bob", 100})});
    cases.push_back(
        {"block-page", "One, behind bob", Verb::block_list, true, im::encode(im::BlockPage{{"mallory"}, false})});

    cases.push_back({"conversation-clear", "The user does not want to see what is there", Verb::conversation_clear,
                     false, im::encode(im::ConversationClear{"room:lunch", 0x8f3a5c17d2e94b60, 1'205})});
    im::ConversationSet chosen;
    chosen.conversation = "room:lunch";
    chosen.changes = im::ConversationSet::kNotify | im::ConversationSet::kMutedUntil;
    chosen.notify = model::Notify::mentions;
    chosen.muted_until_ms = 1'722'474'000'000;
    cases.push_back({"conversation-set", "Fewer pushes, and none for an hour; the rest stays", Verb::conversation_set,
                     false, im::encode(chosen)});
    cases.push_back({"settings", "What the user has chosen for a conversation", Verb::conversation_set, true,
                     im::encode(im::Settings{model::Notify::mentions, 1'722'474'000'000, 2, 43, 1'205})});
    im::MemberChange invite;
    invite.conversation = "room:lunch";
    invite.users = {"grace"};
    cases.push_back({"member-invite", "A user may join", Verb::member_invite, false, im::encode(invite)});
    im::MemberQuery invited;
    invited.conversation = "room:lunch";
    cases.push_back({"invite-list", "Who is invited", Verb::invite_list, false, im::encode(invited)});
    im::InvitePage open;
    open.invites = {{"grace", "ada", 1'722'470'400'216}};
    cases.push_back({"invite-page", "One, who has not answered yet", Verb::invite_list, true, im::encode(open)});
    im::Conversation invitation;
    invitation.conversation = "room:lunch";
    invitation.title = "Lunch";
    invitation.members = 17;
    invitation.invited_by = "ada";
    cases.push_back({"conversation-invited", "A room to which the user is invited", Verb::conversation_get, true,
                     im::encode(invitation)});

    const auto refused = [&](std::string name, std::string about, Verb verb, bool response, std::string body,
                             errc code = errc::malformed_frame) {
        cases.push_back({"bad-" + std::move(name), std::move(about), verb, response, std::move(body), code});
    };
    refused("limit", "A page of 201 entries is asked for", Verb::history, false, from_hex("20 c9 01"));
    refused("bytes", "More than 1 MiB is asked for", Verb::history, false, from_hex("28 81 80 40"));
    refused("empty-name", "A user without a name", Verb::member_add, false, from_hex("12 00"));
    refused("name-utf8", "A user that is not UTF-8", Verb::member_add, false, from_hex("12 02 c3 28"),
            errc::invalid_utf8);
    refused("room", "A room of 129 bytes", Verb::conversation_create, false,
            from_hex("0a 81 01") + std::string(129, 'r'));
    refused("epoch", "An epoch that is a varint", Verb::conversation_leave, true, from_hex("08 05"));
    refused("entry-id", "An entry whose id has 15 bytes", Verb::history, true,
            from_hex("12 11 22 0f 000102030405060708090a0b0c0d0e"));
    refused("subscribe-id", "The entry that is known has an id of 15 bytes", Verb::subscribe, false,
            from_hex("22 0f 000102030405060708090a0b0c0d0e"));
    refused("feed-number", "A feed whose number has more than 32 bits", Verb::subscribe, true,
            from_hex("08 80 80 80 80 10"));
    refused("sync-limit", "A page of 201 conversations is asked for", Verb::sync, false, from_hex("18 c9 01"));
    refused("sync-entries", "51 entries of each conversation are asked for", Verb::sync, false, from_hex("20 33"));
    refused("sync-cursor", "A cursor of 129 bytes", Verb::sync, false, from_hex("0a 81 01") + std::string(129, 'c'));
    refused("edit-epoch", "An edit whose epoch is a varint", Verb::message_edit, false, from_hex("10 05"));
    refused("reaction-key", "A reaction of 257 bytes", Verb::message_react, false,
            from_hex("22 81 02") + std::string(257, 'k'));
    refused("reaction-utf8", "A reaction that is not UTF-8", Verb::message_unreact, false, from_hex("22 02 c3 28"),
            errc::invalid_utf8);
    refused("push-token", "A token of 4,097 bytes", Verb::push_register, false,
            from_hex("12 81 20") + std::string(4'097, 't'));
    refused("presence-nobody", "The presence of a user without a name", Verb::presence_get, false, from_hex("0a 00"));
    refused("readers-limit", "201 readers are asked for", Verb::readers, false, from_hex("28 c9 01"));
    refused("cut-entry", "A page that ends inside its entry", Verb::history, true, from_hex("12 05 08 01"));
    return cases;
}

// Reads and writes it again by the decoder that its verb asks for.
template <typename T>
Result<std::string> through(std::string_view body) {
    const auto decoded = im::decode<T>(body);
    if (!decoded) return decoded.error();
    return im::encode(*decoded);
}
Result<std::string> decoded_again(const BodyCase& each) {
    switch (each.verb) {
        case Verb::conversation_create:
        case Verb::conversation_get:
        case Verb::conversation_join:
            return each.response                            ? through<im::Conversation>(each.body)
                   : each.verb == Verb::conversation_create ? through<im::ConversationCreate>(each.body)
                                                            : through<im::ConversationRef>(each.body);
        case Verb::conversation_leave:
        case Verb::conversation_delete:
        case Verb::user_block:
        case Verb::user_unblock:
            return each.response ? through<im::Written>(each.body) : through<im::ConversationRef>(each.body);
        case Verb::message_edit:
            return each.response ? through<im::Written>(each.body) : through<im::MessageEdit>(each.body);
        case Verb::message_delete:
            return each.response ? through<im::Written>(each.body) : through<im::MessageDelete>(each.body);
        case Verb::message_react:
        case Verb::message_unreact:
            return each.response ? through<im::Written>(each.body) : through<im::MessageReaction>(each.body);
        case Verb::conversation_update:
            return each.response ? through<im::Written>(each.body) : through<im::ConversationUpdate>(each.body);
        case Verb::member_mute:
        case Verb::member_ban:
            return each.response ? through<im::Written>(each.body) : through<im::MemberUntil>(each.body);
        case Verb::member_add:
        case Verb::member_remove:
        case Verb::member_role:
        case Verb::member_invite:
            return each.response ? through<im::Written>(each.body) : through<im::MemberChange>(each.body);
        case Verb::member_list:
            return each.response ? through<im::MemberPage>(each.body) : through<im::MemberQuery>(each.body);
        case Verb::history:
            return each.response ? through<im::HistoryPage>(each.body) : through<im::HistoryQuery>(each.body);
        case Verb::subscribe:
            return each.response ? through<im::Subscribed>(each.body) : through<im::Subscribe>(each.body);
        case Verb::unsubscribe:
            return each.response ? through<im::Unsubscribed>(each.body) : through<im::Unsubscribe>(each.body);
        case Verb::sync: return each.response ? through<im::SyncPage>(each.body) : through<im::Sync>(each.body);
        case Verb::read_mark:
        case Verb::read_unmark:
            return each.response ? through<im::ReadMark>(each.body) : through<im::MarkRead>(each.body);
        case Verb::readers:
            return each.response ? through<im::ReaderPage>(each.body) : through<im::ReaderQuery>(each.body);
        case Verb::typing: return each.response ? through<im::Done>(each.body) : through<im::Typing>(each.body);
        case Verb::presence_set:
            return each.response ? through<im::Done>(each.body) : through<im::PresenceSet>(each.body);
        case Verb::presence_subscribe:
        case Verb::presence_get:
            return each.response ? through<im::PresenceSnapshot>(each.body) : through<im::PresenceUsers>(each.body);
        case Verb::presence_unsubscribe:
            return each.response ? through<im::Done>(each.body) : through<im::PresenceUsers>(each.body);
        case Verb::occupancy_get:
            return each.response ? through<im::Occupancy>(each.body) : through<im::ConversationRef>(each.body);
        case Verb::push_register:
            return each.response ? through<im::Done>(each.body) : through<im::PushDevice>(each.body);
        case Verb::push_unregister:
            return each.response ? through<im::Done>(each.body) : through<im::PushUnregister>(each.body);
        case Verb::ban_list:
            return each.response ? through<im::BanPage>(each.body) : through<im::MemberQuery>(each.body);
        case Verb::conversation_clear:
            return each.response ? through<im::Settings>(each.body) : through<im::ConversationClear>(each.body);
        case Verb::conversation_set:
            return each.response ? through<im::Settings>(each.body) : through<im::ConversationSet>(each.body);
        case Verb::invite_list:
            return each.response ? through<im::InvitePage>(each.body) : through<im::MemberQuery>(each.body);
        case Verb::block_list:
            return each.response ? through<im::BlockPage>(each.body) : through<im::BlockQuery>(each.body);
        case Verb::unspecified: break;
    }
    return errc::internal;
}

std::string file_of(const BodyCase& each) {
    std::string text = "about: " + each.about + "\nmessage: " + std::string(each.schema().name) + "\n";
    for (std::size_t at = 0; at < each.body.size(); at += 32)
        text += "hex: " + to_hex(std::string_view(each.body).substr(at, 32)) + "\n";
    if (each.refused != errc::ok) return text + "error: " + std::string(flare::name(each.refused)) + "\n";
    return text + "json: " + content_to_json(each.schema(), each.body).value() + "\n";
}

TEST(BodyVectors, AreTheFilesInTheDocumentsAndTheFirstSeeds) {
    std::set<std::string> expected;
    const bool write = std::getenv("FLARE_WRITE_VECTORS") != nullptr;
    for (const BodyCase& each : body_cases()) {
        EXPECT_TRUE(expected.insert(each.name).second) << "two vectors are called " << each.name;
        const std::string seed_path = FLARE_SOURCE_DIR "/fuzz/corpus/requests/" + each.name;
        if (write) {
            std::ofstream(each.path()) << file_of(each);
            std::ofstream(seed_path, std::ios::binary) << each.seed();
        }
        EXPECT_EQ(read_file(each.path()), file_of(each)) << each.name;
        EXPECT_EQ(read_file(seed_path), each.seed()) << seed_path;
    }
    for (const auto& entry : std::filesystem::directory_iterator(FLARE_SOURCE_DIR "/docs/vectors/requests"))
        EXPECT_TRUE(expected.contains(entry.path().stem().string())) << "nobody makes " << entry.path();
}

TEST(BodyVectors, BecomeTheirJsonAndTheJsonBecomesThem) {
    for (const BodyCase& each : body_cases()) {
        if (each.refused != errc::ok) continue;
        const VectorFile file = parse_vector(read_file(each.path()));
        EXPECT_EQ(to_hex(decoded_again(each).value()), to_hex(file.batch)) << each.name;
        std::string error;
        const auto content = json_to_content(each.schema(), file.json, &error);
        ASSERT_TRUE(content) << each.name << ": " << error;
        EXPECT_EQ(to_hex(*content), to_hex(file.batch)) << each.name;
    }
}

TEST(BodyVectors, ThatAreBadAreRefusedWithTheirCode) {
    for (const BodyCase& each : body_cases()) {
        if (each.refused == errc::ok) continue;
        const auto read = decoded_again(each);
        ASSERT_FALSE(read) << each.name;
        EXPECT_EQ(read.error(), each.refused) << each.name;
    }
}

TEST(BodyVectors, CutAnywhereAreReadOrRefused) {
    for (BodyCase each : body_cases()) {
        const std::string whole = each.body;
        for (std::size_t size = 0; size < whole.size(); ++size) {
            each.body = whole.substr(0, size);
            const auto read = decoded_again(each);
            EXPECT_TRUE(read || read.error() == errc::malformed_frame || read.error() == errc::invalid_utf8)
                << each.name << " cut at " << size;
        }
    }
}

}  // namespace
}  // namespace flare::wire::test
