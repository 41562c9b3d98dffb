// The settings that a ServerBuilder has gathered.
//
// Threads: immutable once the server is built.
#pragma once

#include "im/limits.hpp"
#include "server/message_rules.hpp"
#include "session/types.hpp"
#include "store/retention.hpp"
#include "transport/websocket/websocket.hpp"
#include "wire/compression.hpp"

#include <flare/server.hpp>
#include <flare/store.hpp>

#include <boost/container/flat_map.hpp>

#include <algorithm>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace flare::server {

// One of the two is set.
struct Handler {
    MessageHandler plain;
    Execution where = Execution::pool;
    AsyncMessageHandler coroutine;
};

// As the store counts them.
store::RetentionRules stored_rules(const RetentionRules& rules);

struct RetentionSettings {
    store::RetentionRules rooms;
    store::RetentionRules direct;
    RetentionPolicy policy;  // null: the two above are all
    std::chrono::milliseconds interval = std::chrono::minutes(10);

    bool any() const noexcept { return rooms.any() || direct.any() || policy; }
    // On any thread.
    store::RetentionRules rules_of(const model::ConversationKey& key) const;
};

// Of users without a live session.
struct PushSettings {
    std::shared_ptr<PushHandler> handler;  // null: nobody is told
    std::chrono::milliseconds after{5000};
};

struct ConversationSettings {
    Store store;  // without a file: there is none
    im::Limits limits;
    RetentionSettings retention;
    std::vector<std::string> room_makers{"*"};
    std::vector<std::string> open_room_makers{"*"};
    PushSettings push;
};

struct PresenceConfig {
    std::chrono::milliseconds grace{20'000};
    std::chrono::milliseconds lease{600'000};
    PresencePolicy policy;  // none: everybody may see everybody
};

// What back-ends ask of the server, and what it tells them.
struct BackendSettings {
    ServerApi api;  // without an address: there is none
    std::vector<ServerHook> hooks;
};

struct Config {
    std::string websocket_addr = "127.0.0.1:4000";
    bool websocket = true;
    bool websocket_deflate = false;
    std::string quic_addr = "127.0.0.1:4010";
    bool quic = true;
    std::string quic_certificate_file = "certs/server.crt";
    std::string quic_key_file = "certs/server.key";
    std::vector<std::string> quic_alpn{"flare-core"};
    bool quic_0rtt = true;
    QuicCongestion quic_congestion = QuicCongestion::cubic;
    std::uint32_t quic_retry_above = 256;
    std::string quic_qlog_folder;
    std::string quic_secret;       // empty: that of the file
    std::string quic_secret_file;  // empty: another one for each start
    std::string certificate_file;  // empty: ws
    std::string key_file;
    std::string client_ca_file;
    bool require_client_cert = false;
    std::chrono::milliseconds certificate_watch{0};  // 0: off
    std::vector<std::string> allowed_origins;
    std::shared_ptr<const transport::websocket::BehindProxy> proxy;  // null: no proxy is trusted
    std::string admin_addr;
    BackendSettings backends;
    ConversationSettings conversations;
    PresenceConfig presence;
    std::string sealing_key_file;  // empty: clients cannot seal

    Handler handler;                                                         // for types without one of their own
    boost::container::flat_map<std::string, Handler, std::less<>> handlers;  // few: searched by halving
    AuthHandler auth;                                                        // one of the two, or neither: anonymous
    AsyncAuthHandler async_auth;
    bool allow_insecure = false;
    bool expose_metrics = false;   // admin_addr may be reached by strangers, who get /metrics and health alone
    std::string revocations_file;  // empty: in memory only
    std::uint32_t max_revocations = 1'000'000;
    std::shared_ptr<EventHandler> events;
    SessionPolicy policy;
    MessageRules rules;

    std::uint32_t max_connections = 100'000;
    bool max_connections_named = false;  // max_connections() was called
    std::uint32_t max_connections_per_address = 0;
    std::uint32_t admission_rate = 0;  // 0: everybody at once
    std::string ticket_key_file;       // empty: tickets end with the process
    std::uint32_t max_handshakes_per_second = 0;
    bool queue_named = false;  // max_queued() was called
    std::chrono::milliseconds hello_timeout{5000};
    std::uint64_t max_memory_bytes = 4ull << 30;
    std::uint32_t worker_threads = 0;
    std::uint32_t handler_threads = 4;
    LogLevel log_level = LogLevel::info;
    LogFormat log_format = LogFormat::text;
    bool log_users = true;
    session::Settings session;
    std::shared_ptr<const wire::Compression> compression;  // null: off

    std::uint32_t workers() const noexcept {
        return worker_threads != 0 ? worker_threads
                                   : std::clamp(std::thread::hardware_concurrency(), 1u, base::kMaxWorkers);
    }
    // Everybody is who they say they are.
    bool believes_anybody() const noexcept { return !auth && !async_auth; }
    bool secure() const noexcept { return !certificate_file.empty(); }
    const Handler& handler_for(std::string_view type) const {
        if (handlers.empty()) return handler;
        const auto found = handlers.find(type);
        return found == handlers.end() ? handler : found->second;
    }
};

// The guide's: {text} stands for what the message says.
inline constexpr std::string_view kChatAnswer = "收到聊天消息: {text}";
// `chat` -> `chat_response` with the answer, or nothing if that is empty; anything else -> `echo` with the same
// payload.
MessageHandler default_handler(std::string chat_answer);

}  // namespace flare::server
