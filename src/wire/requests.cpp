#include "wire/requests.hpp"

#include "wire/feed_tables.hpp"
#include "wire/signal_tables.hpp"

namespace flare::wire::im {

template <typename T>
std::size_t size_of(const T& body) {
    return content_size(body);
}

template <typename T>
void append(std::string& out, const T& body) {
    const std::size_t before = out.size();
    out.resize(before + content_size(body));
    put_content(out.data() + before, body);
}

template <typename T>
Result<T> decode(std::string_view body) {
    Result<T> result;  // filled in place
    if (const errc code = read_content(body, *result); code != errc::ok) result = make_error_code(code);
    return result;
}

#define FLARE_BODY(T)                                     \
    template std::size_t size_of<T>(const T& body);       \
    template void append<T>(std::string & out, const T&); \
    template Result<T> decode<T>(std::string_view body);
FLARE_BODY(ConversationCreate)
FLARE_BODY(ConversationUpdate)
FLARE_BODY(ConversationRef)
FLARE_BODY(MemberChange)
FLARE_BODY(MemberUntil)
FLARE_BODY(MemberQuery)
FLARE_BODY(HistoryQuery)
FLARE_BODY(MessageEdit)
FLARE_BODY(MessageDelete)
FLARE_BODY(MessageReaction)
FLARE_BODY(Written)
FLARE_BODY(Head)
FLARE_BODY(Conversation)
FLARE_BODY(Member)
FLARE_BODY(MemberPage)
FLARE_BODY(Entry)
FLARE_BODY(HistoryPage)
FLARE_BODY(Subscribe)
FLARE_BODY(Unsubscribe)
FLARE_BODY(Subscribed)
FLARE_BODY(Unsubscribed)
FLARE_BODY(FeedReset)
FLARE_BODY(Feed)
FLARE_BODY(Sync)
FLARE_BODY(MarkRead)
FLARE_BODY(ReadMark)
FLARE_BODY(ConversationState)
FLARE_BODY(SyncedConversation)
FLARE_BODY(SyncedFeed)
FLARE_BODY(SyncPage)
FLARE_BODY(ReaderQuery)
FLARE_BODY(UserMark)
FLARE_BODY(ReaderPage)
FLARE_BODY(PushDevice)
FLARE_BODY(PushUnregister)
FLARE_BODY(BlockQuery)
FLARE_BODY(Done)
FLARE_BODY(BanPage)
FLARE_BODY(ConversationClear)
FLARE_BODY(ConversationSet)
FLARE_BODY(Settings)
FLARE_BODY(InvitePage)
FLARE_BODY(BlockPage)
FLARE_BODY(Typing)
FLARE_BODY(PresenceSet)
FLARE_BODY(PresenceUsers)
FLARE_BODY(PresenceState)
FLARE_BODY(PresenceSnapshot)
FLARE_BODY(Occupancy)
FLARE_BODY(Notice)
#undef FLARE_BODY

const Schema* request_schema(Verb verb) noexcept {
    switch (verb) {
        case Verb::conversation_create: return &kSchemaOf<ConversationCreate>;
        case Verb::conversation_get:
        case Verb::conversation_join:
        case Verb::conversation_leave:
        case Verb::conversation_delete:
        case Verb::user_block:
        case Verb::user_unblock: return &kSchemaOf<ConversationRef>;
        case Verb::conversation_update: return &kSchemaOf<ConversationUpdate>;
        case Verb::member_add:
        case Verb::member_remove:
        case Verb::member_role:
        case Verb::member_invite: return &kSchemaOf<MemberChange>;
        case Verb::member_mute:
        case Verb::member_ban: return &kSchemaOf<MemberUntil>;
        case Verb::member_list: return &kSchemaOf<MemberQuery>;
        case Verb::history: return &kSchemaOf<HistoryQuery>;
        case Verb::subscribe: return &kSchemaOf<Subscribe>;
        case Verb::unsubscribe: return &kSchemaOf<Unsubscribe>;
        case Verb::sync: return &kSchemaOf<Sync>;
        case Verb::read_mark: return &kSchemaOf<MarkRead>;
        case Verb::message_edit: return &kSchemaOf<MessageEdit>;
        case Verb::message_delete: return &kSchemaOf<MessageDelete>;
        case Verb::message_react:
        case Verb::message_unreact: return &kSchemaOf<MessageReaction>;
        case Verb::read_unmark: return &kSchemaOf<MarkRead>;
        case Verb::readers: return &kSchemaOf<ReaderQuery>;
        case Verb::typing: return &kSchemaOf<Typing>;
        case Verb::presence_set: return &kSchemaOf<PresenceSet>;
        case Verb::presence_subscribe:
        case Verb::presence_unsubscribe:
        case Verb::presence_get: return &kSchemaOf<PresenceUsers>;
        case Verb::occupancy_get: return &kSchemaOf<ConversationRef>;
        case Verb::push_register: return &kSchemaOf<PushDevice>;
        case Verb::push_unregister: return &kSchemaOf<PushUnregister>;
        case Verb::ban_list:
        case Verb::invite_list: return &kSchemaOf<MemberQuery>;
        case Verb::conversation_clear: return &kSchemaOf<ConversationClear>;
        case Verb::conversation_set: return &kSchemaOf<ConversationSet>;
        case Verb::block_list: return &kSchemaOf<BlockQuery>;
        case Verb::unspecified: break;
    }
    return nullptr;
}

const Schema* response_schema(Verb verb) noexcept {
    switch (verb) {
        case Verb::conversation_create:
        case Verb::conversation_get:
        case Verb::conversation_join: return &kSchemaOf<Conversation>;
        case Verb::conversation_leave:
        case Verb::conversation_update:
        case Verb::conversation_delete:
        case Verb::member_add:
        case Verb::member_remove:
        case Verb::member_role:
        case Verb::member_mute:
        case Verb::member_ban:
        case Verb::member_invite:
        case Verb::user_block:
        case Verb::user_unblock:
        case Verb::message_edit:
        case Verb::message_delete:
        case Verb::message_react:
        case Verb::message_unreact: return &kSchemaOf<Written>;
        case Verb::member_list: return &kSchemaOf<MemberPage>;
        case Verb::history: return &kSchemaOf<HistoryPage>;
        case Verb::subscribe: return &kSchemaOf<Subscribed>;
        case Verb::unsubscribe: return &kSchemaOf<Unsubscribed>;
        case Verb::sync: return &kSchemaOf<SyncPage>;
        case Verb::read_mark:
        case Verb::read_unmark: return &kSchemaOf<ReadMark>;
        case Verb::readers: return &kSchemaOf<ReaderPage>;
        case Verb::typing:
        case Verb::presence_set:
        case Verb::presence_unsubscribe:
        case Verb::push_register:
        case Verb::push_unregister: return &kSchemaOf<Done>;
        case Verb::presence_subscribe:
        case Verb::presence_get: return &kSchemaOf<PresenceSnapshot>;
        case Verb::occupancy_get: return &kSchemaOf<Occupancy>;
        case Verb::ban_list: return &kSchemaOf<BanPage>;
        case Verb::invite_list: return &kSchemaOf<InvitePage>;
        case Verb::conversation_clear:
        case Verb::conversation_set: return &kSchemaOf<Settings>;
        case Verb::block_list: return &kSchemaOf<BlockPage>;
        case Verb::unspecified: break;
    }
    return nullptr;
}

const Schema& notice_schema() noexcept { return kSchemaOf<Notice>; }

Body notice_body(const Notice& notice) {
    Body body;
    body.kind = FrameKind::notice;
    const std::size_t size = content_size(notice);
    body.content_offset = static_cast<std::uint32_t>(body_size(body.kind, size) - size);
    body.bytes = Bytes::make(body.content_offset + size,
                             [&](char* out) { put_content(put_body_tag(out, FrameKind::notice, size), notice); });
    return body;
}

}  // namespace flare::wire::im
