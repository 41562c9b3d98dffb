// Requests of a worker's sessions about conversations: what reads is read here, what changes something goes to the home
// of the conversation.
//
// Protocol: docs/protocol.md, "Requests"; docs/conversations.md.
// Threads:  its worker's; the store is read on the store's threads.
// Owner:    Conversations.
#pragma once

#include "server/config.hpp"
#include "server/conversations/content_hash.hpp"
#include "server/conversations/feeds.hpp"
#include "server/conversations/push_devices.hpp"
#include "server/conversations/read_marks.hpp"
#include "server/conversations/sends.hpp"
#include "server/conversations/store_access.hpp"
#include "server/conversations/sync.hpp"
#include "server/conversations/user_settings.hpp"
#include "server/signals/signals.hpp"
#include "wire/requests.hpp"

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace flare::server {

class ConversationRequests {
public:
    struct Parts {
        const Config& config;
        Executor& executor;
        StoreAccess& store;
        session::SessionTable& table;
        ConversationSends& sends;
        ConversationFeeds& feeds;
        ConversationSync& sync;
        ConversationMarks& marks;
        UserSettings& settings;
        PushDevices& devices;
        ServerSignals& signals;
    };
    explicit ConversationRequests(const Parts& parts) : parts_(parts) {}

    // As SessionTableListener::on_request().
    void take(session::ServerSession& session, session::PendingRequest&& pending, const wire::RequestView& request);

private:
    // What a request that reads is answered with: a body, or a code and a text that lives as long as the program.
    struct Found {
        errc code = errc::ok;
        std::string_view text{};
        std::string body{};
    };
    using Read = std::function<Found(store::Reader& reader)>;

    static std::uint32_t content_of(const wire::RequestView& request) noexcept {
        return ContentHash().add(static_cast<std::uint8_t>(request.verb)).add(request.body).value();
    }

    template <typename Body>
    std::optional<Body> read_body(const session::PendingRequest& pending, const wire::RequestView& request) {
        auto body = wire::im::decode<Body>(request.body);
        if (body) return std::move(*body);
        const errc code = static_cast<errc>(body.error().value());
        refuse(pending, code, explain(code));
        return std::nullopt;
    }
    // The conversation that `name` is to this user: a room, or another user. Nothing: it was refused.
    std::optional<model::ConversationKey> key_of(const session::ServerSession& session,
                                                 const session::PendingRequest& pending, std::string_view name);
    void create(session::ServerSession& session, const session::PendingRequest& pending,
                const wire::RequestView& request);
    // Why this user may not make such a room; empty: it may.
    std::string_view objection_to(const std::string& user, model::Join join) const;
    static std::vector<std::string> names_of(const wire::im::Names& names) { return {names.begin(), names.end()}; }
    // A change names so many users. False: it was refused.
    bool fits(const session::PendingRequest& pending, const wire::im::Names& users);
    void invite(session::ServerSession& session, const session::PendingRequest& pending,
                const wire::RequestView& request);
    void change_members(session::ServerSession& session, const session::PendingRequest& pending,
                        const wire::RequestView& request);
    void change_message(const session::ServerSession& session, const session::PendingRequest& pending,
                        const wire::RequestView& request, std::string_view conversation,
                        const ConversationSends::MessageChange& change);
    void edit(session::ServerSession& session, const session::PendingRequest& pending,
              const wire::RequestView& request);
    void react(session::ServerSession& session, const session::PendingRequest& pending,
               const wire::RequestView& request);
    void update(session::ServerSession& session, const session::PendingRequest& pending,
                const wire::RequestView& request);
    // conversation.delete, user.block, user.unblock
    void change_whole(session::ServerSession& session, const session::PendingRequest& pending,
                      const wire::RequestView& request);
    void set_role(session::ServerSession& session, const session::PendingRequest& pending,
                  const wire::RequestView& request);
    // member.mute, member.ban
    void restrict(session::ServerSession& session, const session::PendingRequest& pending,
                  const wire::RequestView& request);
    void subscribe(session::ServerSession& session, const session::PendingRequest& pending,
                   const wire::RequestView& request);
    // push.register, push.unregister
    void register_push(session::ServerSession& session, const session::PendingRequest& pending,
                       const wire::RequestView& request);
    // conversation.set, conversation.clear
    void choose(const session::ServerSession& session, const session::PendingRequest& pending,
                const wire::RequestView& request);
    // typing, presence and occupancy
    void signal(const session::ServerSession& session, const session::PendingRequest& pending,
                const wire::RequestView& request);
    void answer_by_reading(const session::PendingRequest& pending, Read read);
    void refuse(const session::PendingRequest& pending, errc code, std::string_view text);

    Parts parts_;
};

}  // namespace flare::server
