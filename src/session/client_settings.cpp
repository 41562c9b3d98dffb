#include "session/client_settings.hpp"

#include <algorithm>

namespace flare::session {
namespace {

constexpr Duration kLongestAckDelay = std::chrono::seconds(10);  // that a server is believed

}  // namespace

void ClientAgreement::begin(const ClientSettings& mine, const wire::Welcome& welcome) {
    settings = mine;
    settings.lanes = welcome.lanes;
    limits = welcome.limits;
    id = SessionId{welcome.session_id};
    encodings =
        mine.compression ? mine.compression->agree(welcome.capabilities, welcome.dictionary) : wire::Encodings{0};
    conversations = mine.conversations && (welcome.capabilities & wire::kCapabilityConversations) != 0;
    if (welcome.max_ack_delay_ms == 0) return;
    ack_delay = std::min<Duration>(std::chrono::milliseconds(welcome.max_ack_delay_ms), kLongestAckDelay);
    settings.max_ack_delay = std::min(mine.max_ack_delay, ack_delay);
    settings.min_ack_delay = std::min(mine.min_ack_delay, settings.max_ack_delay);
}

void ClientAgreement::hear(const ClientSettings& mine, const wire::Welcome& welcome) noexcept {
    if (welcome.heartbeat_interval_ms != 0) {
        settings.heartbeat_interval =
            std::min<Duration>(mine.heartbeat_interval, std::chrono::milliseconds(welcome.heartbeat_interval_ms));
    }
    if (welcome.heartbeat_timeout_ms != 0) {  // silence that would end the carrier must not be reached
        settings.heartbeat_interval = std::min<Duration>(
            settings.heartbeat_interval, Duration(std::chrono::milliseconds(welcome.heartbeat_timeout_ms)) / 2);
    }
    store = welcome.store;
}

}  // namespace flare::session
