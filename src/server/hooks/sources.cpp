#include "server/hooks/sources.hpp"

#include "base/utf8.hpp"
#include "server/api/forms.hpp"
#include "wire/base64.hpp"

#include <flare/push_events.hpp>

#include <boost/json/array.hpp>
#include <boost/unordered/unordered_flat_map.hpp>

#include <memory>
#include <string>
#include <utility>

namespace flare::server::hooks {
namespace {

using boost::json::array;
using boost::json::object;

object json_of_session(const SessionInfo& session) {
    return {{"user", session.user},
            {"device", session.device},
            {"session", session.session_id},
            {"platform", name(session.platform)}};
}

class SessionSource final : public EventHandler {
public:
    SessionSource(Hooks& hooks, std::shared_ptr<EventHandler> inner) : hooks_(hooks), inner_(std::move(inner)) {}

    void on_user_connected(const SessionInfo& session) override {
        if (hooks_.wants(Event::session_opened)) hooks_.tell(Event::session_opened, json_of_session(session));
        if (++sessions_[session.user] == 1 && hooks_.wants(Event::user_online))
            hooks_.tell(Event::user_online, {{"user", session.user}});
        if (inner_ != nullptr) inner_->on_user_connected(session);
    }
    void on_user_disconnected(const SessionInfo& session, const Failure& why) override {
        if (hooks_.wants(Event::session_closed)) {
            object told = json_of_session(session);
            if (why.code != errc::ok) told["errc"] = name(why.code);
            hooks_.tell(Event::session_closed, told);
        }
        if (const auto found = sessions_.find(session.user); found != sessions_.end() && --found->second == 0) {
            sessions_.erase(found);
            if (hooks_.wants(Event::user_offline)) hooks_.tell(Event::user_offline, {{"user", session.user}});
        }
        if (inner_ != nullptr) inner_->on_user_disconnected(session, why);
    }
    void on_heartbeat(const SessionInfo& session) override {
        if (inner_ != nullptr) inner_->on_heartbeat(session);
    }

private:
    Hooks& hooks_;
    const std::shared_ptr<EventHandler> inner_;
    boost::unordered_flat_map<std::string, std::size_t> sessions_;  // by user
};

array devices_of(const std::vector<PushDevice>& devices) {
    array told;
    for (const PushDevice& each : devices)
        told.push_back(
            object{{"device", each.device}, {"service", each.service}, {"token", each.token}, {"app", each.app}});
    return told;
}

object badge_of(const PushBadge& badge) {
    return {{"messages", badge.messages}, {"conversations", badge.conversations}, {"more", badge.more}};
}

object json_of_pushed(const PushedMessage& message) {
    object told{
        {"conversation", message.conversation},
        {"title", message.title},
        {"collapse_key", message.collapse_key},
        {"from", message.from},
        {"id", message.id.str()},
        {"epoch", api::number_text(message.position.epoch)},
        {"offset", api::number_text(message.position.offset)},
        {"time", api::time_text(static_cast<std::uint64_t>(
                     std::chrono::duration_cast<std::chrono::milliseconds>(message.time.time_since_epoch()).count()))},
        {"type", message.type},
        {"whole", message.whole}};
    const std::string_view preview = message.preview.view();
    if (base::is_utf8(preview))
        told["text"] = preview;
    else
        told["base64"] = wire::to_base64(preview);
    return told;
}

class PushSource final : public PushHandler {
public:
    PushSource(Hooks& hooks, std::shared_ptr<PushHandler> inner) : hooks_(hooks), inner_(std::move(inner)) {}

    void on_push_requested(const PushRequest& request) override {
        if (hooks_.wants(Event::push_requested)) {
            array messages;
            for (const PushedMessage& each : request.messages) messages.push_back(json_of_pushed(each));
            hooks_.tell(Event::push_requested, {{"user", request.user},
                                                {"devices", devices_of(request.devices)},
                                                {"messages", std::move(messages)},
                                                {"badge", badge_of(request.badge)}});
        }
        if (inner_ != nullptr) inner_->on_push_requested(request);
    }
    void on_push_cleared(const PushCleared& cleared) override {
        if (hooks_.wants(Event::push_cleared))
            hooks_.tell(Event::push_cleared, {{"user", cleared.user},
                                              {"devices", devices_of(cleared.devices)},
                                              {"conversation", cleared.conversation},
                                              {"collapse_key", cleared.collapse_key},
                                              {"epoch", api::number_text(cleared.upto.epoch)},
                                              {"offset", api::number_text(cleared.upto.offset)},
                                              {"badge", badge_of(cleared.badge)}});
        if (inner_ != nullptr) inner_->on_push_cleared(cleared);
    }

private:
    Hooks& hooks_;
    const std::shared_ptr<PushHandler> inner_;
};

}  // namespace

void observe(Hooks& hooks, Config& config) {
    const bool sessions = hooks.wants(Event::session_opened) || hooks.wants(Event::session_closed) ||
                          hooks.wants(Event::user_online) || hooks.wants(Event::user_offline);
    if (sessions) config.events = std::make_shared<SessionSource>(hooks, config.events);
    auto& push = config.conversations.push.handler;
    if (hooks.wants(Event::push_requested) || hooks.wants(Event::push_cleared))
        push = std::make_shared<PushSource>(hooks, push);
}

}  // namespace flare::server::hooks
