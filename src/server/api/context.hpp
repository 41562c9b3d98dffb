// What the routes of the server API have of the server.
//
// Threads: any.
// Owner:   Api. It outlives the calls that are on their way.
#pragma once

#include "server/api/body.hpp"
#include "server/api/call.hpp"
#include "server/conversations/application_calls.hpp"
#include "server/encoder.hpp"
#include "server/worker/worker_group.hpp"

#include <flare/failure.hpp>
#include <flare/presence.hpp>
#include <flare/server.hpp>

#include <atomic>
#include <chrono>
#include <functional>
#include <string>
#include <variant>
#include <vector>

namespace flare::server::api {

// What only the whole server knows or does. `done` is called on any thread, or never, if the server is being stopped.
struct ServerCalls {
    template <typename T>
    using Done = std::function<void(Checked<T>)>;
    std::function<void(std::string user, Done<std::vector<SessionInfo>>)> sessions;
    std::function<void(std::string user, Done<UserPresence>)> presence;
    std::function<void(std::string user, std::string text, Done<std::size_t>)> disconnect_user;
    std::function<void(std::string user, std::optional<std::chrono::system_clock::time_point> until, std::string text,
                       Done<std::size_t>)>
        revoke_user;
    std::function<void(std::string user, Done<void>)> erase;
    std::function<void(const Message&, Done<FanOut>)> broadcast;
    ServerHooks hooks;
};

class Context {
public:
    // An answer that was read: a body, or what is wrong.
    using Reply = std::variant<boost::json::object, Problem>;

    Context(WorkerGroup& group, const Encoder& encoder, ServerCalls server)
        : group_(group), encoder_(encoder), server_(std::move(server)) {}

    // Answers with what `question` finds, on a thread of the store; without a store with not_supported.
    void read(const CallPtr& call, std::function<Reply(store::Reader& reader)> question);
    // Has it done on a worker; `then` gets the answers there, or `call` is refused.
    void perform(const CallPtr& call, std::vector<ApplicationCall> calls, ApplicationCalls::Done then);
    // The same of one change, which is answered with what it has written.
    void change(const CallPtr& call, ApplicationCall one);

    // Asks the home of a user; without a store it is refused. What `ask` does answers the call, or nobody does.
    void at_home(const CallPtr& call, const std::string& user, std::function<void(Conversations& there)> ask);

    // How many members of a conversation have a connection.
    void count_online(const CallPtr& call, const model::ConversationKey& key);

    bool has_store() const noexcept { return group_.store != nullptr; }
    const Config& config() const noexcept { return group_.state.config; }
    const Encoder& encoder() const noexcept { return encoder_; }
    const ServerCalls& server() const noexcept { return server_; }
    WorkerGroup& group() noexcept { return group_; }

private:
    WorkerGroup& group_;
    const Encoder& encoder_;
    const ServerCalls server_;
    std::atomic<std::uint32_t> next_worker_{0};
};

// ---- routes ----

struct Route {
    std::string_view method;
    std::string_view path;
    std::string_view name;  // operationId of docs/openapi.yaml
    auth::Scopes::Group group{};
    std::size_t max_body_bytes = 64 * 1024;
    void (*handle)(Context& context, const CallPtr& call) = nullptr;

    bool writes() const noexcept { return method != "GET"; }
};
std::span<const Route> message_routes();
std::span<const Route> conversation_routes();
std::span<const Route> member_routes();
std::span<const Route> user_routes();
std::span<const Route> system_routes();

// ---- what several of them need ----

// The conversation that the path names: {conversation}, a room; or {user} and {other}. Nothing: it was refused.
std::optional<model::ConversationKey> conversation_of(const CallPtr& call);
// Shows the body to `read`. False: something was wrong with it, and the call was refused.
bool read_body(const CallPtr& call, const std::function<void(Body& body)>& read);
// The query has no other parameters than these. False: the call was refused.
bool check_query(const CallPtr& call, std::initializer_list<std::string_view> known);
// 1 to wire::im::kMaxPage, 50 of who does not say. Nothing: the call was refused.
std::optional<std::uint32_t> limit_of(const CallPtr& call);
// Whether it may be the name of a user: 1 to 256 bytes of UTF-8, and none of those that mean something else.
bool is_user(std::string_view name) noexcept;
// {user} of the path. Nothing: the call was refused.
std::optional<std::string> user_of(const CallPtr& call);

}  // namespace flare::server::api
