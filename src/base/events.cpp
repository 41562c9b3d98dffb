#include <flare/events.hpp>
#include <flare/printable.hpp>

namespace flare {
namespace {

std::string place_of(const std::string& conversation, std::uint64_t offset) {
    return " in " + conversation + " at offset " + std::to_string(offset);
}

struct Describe {
    std::string operator()(const event::Connected& e) const { return std::string(flare::name(e.protocol)); }
    std::string operator()(const event::Disconnected& e) const {
        return e.reason.code == errc::ok ? "as asked" : e.reason.text;
    }
    std::string operator()(const event::Reconnecting& e) const {
        return "attempt " + std::to_string(e.attempt) + " in " + std::to_string(e.delay.count()) + " ms";
    }
    std::string operator()(const event::Reconnected& e) const {
        return std::string(flare::name(e.protocol)) + (e.resumed ? ", the session continues" : ", a new session");
    }
    std::string operator()(const event::ReconnectFailed& e) const { return e.reason.text; }
    std::string operator()(const event::Error& e) const { return e.failure.text; }
    std::string operator()(const event::MessageReceived& e) const {
        return e.message.type + " from " + e.message.from + ", " + std::to_string(e.message.payload.size()) + " bytes" +
               (e.stored ? place_of(e.conversation, e.stored->position.offset) : "");
    }
    std::string operator()(const event::OwnMessage& e) const {
        return e.message.type + ", " + std::to_string(e.message.payload.size()) + " bytes" +
               place_of(e.conversation, e.stored.position.offset);
    }
    std::string operator()(const event::EntryReceived& e) const {
        return std::string(flare::name(e.entry.kind)) + " by " + e.entry.from +
               place_of(e.conversation, e.stored.position.offset);
    }
    std::string operator()(const event::MessageChanged& e) const {
        return std::string(flare::name(e.what)) + " by " + e.by + ", the message at offset " +
               std::to_string(e.offset) + (e.reaction.empty() ? "" : ", " + e.reaction) +
               place_of(e.conversation, e.stored.position.offset);
    }
    std::string operator()(const event::HistoryGap& e) const {
        std::string text = e.conversation + ", " + std::string(flare::name(e.reason));
        if (e.first <= e.last) text += ", missing " + std::to_string(e.first) + " to " + std::to_string(e.last);
        return text;
    }
    std::string operator()(const event::SubscriptionEnded& e) const { return e.conversation + ": " + e.reason.text; }
    std::string operator()(const event::ConversationChanged& e) const {
        if (!e.now) return e.conversation + ", no longer a member";
        return e.conversation + ", up to offset " + std::to_string(e.now->about.head.last) + ", " +
               std::to_string(e.now->mark.unread) + (e.now->mark.more ? " or more" : "") + " unread";
    }
    std::string operator()(const event::ConversationsSynced&) const { return {}; }
    std::string operator()(const event::InvitationChanged& e) const {
        return e.room + (e.now ? ", by " + e.now->invited_by : ", no longer");
    }
    std::string operator()(const event::MarksChanged& e) const {
        return e.conversation + ", " + e.user + " has read up to offset " + std::to_string(e.read) + " and has up to " +
               std::to_string(e.delivered);
    }
    std::string operator()(const event::PresenceChanged& e) const {
        return e.user + " is " + std::string(flare::name(e.state));
    }
    std::string operator()(const event::TypingChanged& e) const {
        return e.user + (e.on ? " types in " : " has stopped typing in ") + e.conversation;
    }
    std::string operator()(const event::MessageSent& e) const {
        return e.message_id.str() + (e.stored ? ", stored at offset " + std::to_string(e.stored->position.offset) : "");
    }
    std::string operator()(const event::MessageFailed& e) const { return e.message_id.str() + ": " + e.error.text; }
    std::string operator()(const event::Heartbeat& e) const {
        return std::to_string(std::chrono::duration_cast<std::chrono::microseconds>(e.rtt).count()) + " us";
    }
    std::string operator()(const event::ProtocolSwitched& e) const {
        return std::string(flare::name(e.from)) + " -> " + std::string(flare::name(e.to));
    }
    std::string operator()(const event::Gap& e) const {
        std::string text = e.reason.text + "; " + std::to_string(e.resent.size()) + " messages are sent again";
        for (const auto& lane : e.lanes) {
            if (lane.sent == 0 && lane.received == 0) continue;
            text += "; lane " + std::to_string(lane.lane) + ": to server " + std::to_string(lane.acknowledged) +
                    " of " + std::to_string(lane.sent) + " acknowledged, from server complete up to " +
                    std::to_string(lane.received) +
                    (lane.tail_known ? ", then missing up to " + std::to_string(lane.server_sent) : ", tail unknown");
        }
        return text;
    }
    std::string operator()(const event::CapabilityUnavailable& e) const { return e.capability + ": " + e.text; }
    std::string operator()(const event::Draining& e) const {
        return e.text + ", back in " + std::to_string(e.retry_after.count()) + " ms";
    }
    std::string operator()(const event::TokenExpiring& e) const {
        return "in " + std::to_string(e.left.count()) + " ms";
    }
};

constexpr std::string_view kNames[] = {"Connected",
                                       "Disconnected",
                                       "Reconnecting",
                                       "Reconnected",
                                       "ReconnectFailed",
                                       "Error",
                                       "MessageReceived",
                                       "MessageSent",
                                       "MessageFailed",
                                       "Heartbeat",
                                       "ProtocolSwitched",
                                       "Gap",
                                       "CapabilityUnavailable",
                                       "Draining",
                                       "TokenExpiring",
                                       "OwnMessage",
                                       "EntryReceived",
                                       "HistoryGap",
                                       "SubscriptionEnded",
                                       "ConversationChanged",
                                       "ConversationsSynced",
                                       "MessageChanged",
                                       "MarksChanged",
                                       "PresenceChanged",
                                       "TypingChanged",
                                       "InvitationChanged"};
static_assert(std::size(kNames) == std::variant_size_v<Event>);

}  // namespace

std::string_view name(event::MessageChanged::What what) noexcept {
    using What = event::MessageChanged::What;
    switch (what) {
        case What::edited: return "edited";
        case What::deleted: return "deleted";
        case What::reaction_added: return "reaction_added";
        case What::reaction_removed: return "reaction_removed";
    }
    return "unknown";
}
std::string_view name(PresenceState state) noexcept {
    switch (state) {
        case PresenceState::unknown: break;
        case PresenceState::offline: return "offline";
        case PresenceState::away: return "away";
        case PresenceState::online: return "online";
    }
    return "unknown";
}
std::string_view name(const Event& event) noexcept { return kNames[event.index()]; }

std::string to_string(const Event& event) {
    const std::string what = std::visit(Describe{}, event);
    return std::string(name(event)) + (what.empty() ? "" : ": " + printable(what));
}

}  // namespace flare
