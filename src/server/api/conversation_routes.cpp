// Conversations: make, read, change, end.
#include "im/names.hpp"
#include "model/target.hpp"
#include "server/api/changes.hpp"
#include "server/api/context.hpp"
#include "server/api/forms.hpp"

#include <boost/json/array.hpp>

#include <array>
#include <charconv>
#include <utility>

namespace flare::server::api {
namespace {

using boost::json::array;
using boost::json::object;

template <typename T>
std::optional<T> named(Body& body, std::string_view field, std::optional<T> (*value_of)(std::string_view),
                       std::string_view values) {
    const auto text = body.text(field);
    if (!text) return std::nullopt;
    const auto value = value_of(*text);
    if (!value) body.wrong(field, "one of " + std::string(values) + " is needed here");
    return value;
}

im::command::Configure read_config(Body& body) {
    im::command::Configure config;
    config.title = body.text("title");
    if (config.title) {
        if (const auto refused = im::check_title(*config.title))
            body.wrong("title", std::string(refused->text), refused->code);
    }
    config.join = named(body, "join", join_of, "\"invite\" and \"open\"");
    config.visibility = named(body, "visibility", visibility_of, "\"since_join\" and \"all\"");
    if (const auto bytes = body.number("max_payload_bytes", im::kMaxPayloadBytes))
        config.max_payload_bytes = static_cast<std::uint32_t>(*bytes);
    if (const auto ms = body.number("slow_mode_ms", UINT32_MAX)) config.slow_mode_ms = static_cast<std::uint32_t>(*ms);
    config.frozen = body.flag("frozen");
    return config;
}

model::Config applied(const im::command::Configure& changes) {
    model::Config config;
    if (changes.title) config.title = *changes.title;
    if (changes.join) config.join = *changes.join;
    if (changes.visibility) config.visibility = *changes.visibility;
    if (changes.max_payload_bytes) config.max_payload_bytes = *changes.max_payload_bytes;
    if (changes.slow_mode_ms) config.slow_mode_ms = *changes.slow_mode_ms;
    if (changes.frozen) config.frozen = *changes.frozen;
    return config;
}

void create_conversation(Context& context, const CallPtr& call) {
    ApplicationCall made;
    ApplicationChange change;
    model::Config config;
    const bool good = check_query(call, {}) && read_body(call, [&](Body& body) {
                          const std::string name = body.required("conversation");
                          const model::Target target = model::Target::of(name);
                          if (target.kind != model::Target::Kind::conversation) {
                              body.wrong("conversation", "a room is called \"room:NAME\"", errc::invalid_name);
                          } else if (const auto refused = im::check_room_name(target.name)) {
                              body.wrong("conversation", std::string(refused->text), refused->code);
                          } else {
                              made.key = model::ConversationKey::room(target.name);
                          }
                          made.actor = read_actor(body, "owner");
                          config = applied(read_config(body));
                          change.users = read_users(body, "members", 0);
                          if (made.actor.empty() && change.users.empty())
                              body.wrong("owner", "a room needs an owner: \"owner\", or the first of \"members\"");
                      });
    if (!good) return;
    change.command = [config](std::uint32_t conversations, std::vector<im::command::Person> people) {
        return im::Command(im::command::Create{config, conversations, std::move(people)});
    };
    made.what = std::move(change);
    submit(context, call, std::move(made));
}

void update_conversation(Context& context, const CallPtr& call) {
    const auto key = conversation_of(call);
    im::command::Configure config;
    std::string actor;
    const bool good = key && check_query(call, {}) && read_body(call, [&](Body& body) {
                          actor = read_actor(body, "by");
                          config = read_config(body);
                      });
    if (good) change_conversation(context, call, *key, actor, std::move(config));
}

void delete_conversation(Context& context, const CallPtr& call) {
    const auto key = conversation_of(call);
    if (key && check_query(call, {})) change_conversation(context, call, *key, {}, im::command::Destroy{});
}

void set_frozen(Context& context, const CallPtr& call, bool frozen) {
    const auto key = conversation_of(call);
    if (!key || !check_query(call, {}) || !read_body(call, [](Body&) {})) return;
    im::command::Configure config;
    config.frozen = frozen;
    change_conversation(context, call, *key, {}, std::move(config));
}
void freeze(Context& context, const CallPtr& call) { set_frozen(context, call, true); }
void unfreeze(Context& context, const CallPtr& call) { set_frozen(context, call, false); }

void truncate(Context& context, const CallPtr& call) {
    const auto key = conversation_of(call);
    im::command::Truncate cut;
    const bool good = key && check_query(call, {}) && read_body(call, [&](Body& body) {
                          const auto from = body.number("keep_from");
                          const auto epoch = body.number("epoch");
                          if (!from || *from == 0)
                              body.wrong("keep_from", "the first offset that stays is needed here");
                          if (!epoch) body.wrong("epoch", "the epoch of the log is needed here, as \"head\" has it");
                          cut = {from.value_or(0), epoch.value_or(0)};
                      });
    if (good) change_conversation(context, call, *key, {}, cut);
}

// ---- reading ----

std::optional<std::uint64_t> row_of_cursor(std::string_view text) {
    std::uint64_t row = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), row);
    if (text.empty() || (error == std::errc() && end == text.data() + text.size())) return row;
    return std::nullopt;
}

void list_conversations(Context& context, const CallPtr& call) {
    if (!check_query(call, {"limit", "cursor"})) return;
    const auto limit = limit_of(call);
    const auto after = row_of_cursor(call->query("cursor"));
    if (!limit) return;
    if (!after) return call->refuse(malformed("this is none of the cursors that pages have as \"next\"", "cursor"));
    context.read(call, [limit = *limit, after = *after](store::Reader& reader) -> Context::Reply {
        const auto rows = reader.conversations(after, limit);
        if (!rows) return problem_of(static_cast<errc>(rows.error().value()));
        array conversations;
        for (const store::Row row : *rows) {
            const auto found = reader.conversation(row);
            if (!found) return problem_of(static_cast<errc>(found.error().value()));
            if (*found && !(*found)->removed) conversations.push_back(json_of(**found));
        }
        object told{{"conversations", std::move(conversations)}};
        if (rows->size() == limit) told["next"] = std::to_string(rows->back());
        return told;
    });
}

void get_conversation(Context& context, const CallPtr& call) {
    const auto key = conversation_of(call);
    if (!key || !check_query(call, {})) return;
    context.read(call, [key = *key](store::Reader& reader) -> Context::Reply {
        const auto found = reader.conversation(key);
        if (!found) return problem_of(static_cast<errc>(found.error().value()));
        if (!*found || (*found)->removed)
            return problem_of(errc::unknown_conversation, "there is no such conversation");
        return json_of(**found);
    });
}

void get_occupancy(Context& context, const CallPtr& call) {
    const auto key = conversation_of(call);
    if (key && check_query(call, {})) context.count_online(call, *key);
}

}  // namespace

std::span<const Route> conversation_routes() {
    using enum auth::Scopes::Group;
    static constexpr std::array kRoutes{
        Route{"GET", "/v1/conversations", "list_conversations", conversations, 0, list_conversations},
        Route{"POST", "/v1/conversations", "create_conversation", conversations, 64 * 1024, create_conversation},
        Route{"GET", "/v1/conversations/{conversation}", "get_conversation", conversations, 0, get_conversation},
        Route{"PATCH", "/v1/conversations/{conversation}", "update_conversation", conversations, 16 * 1024,
              update_conversation},
        Route{"DELETE", "/v1/conversations/{conversation}", "delete_conversation", conversations, 0,
              delete_conversation},
        Route{"POST", "/v1/conversations/{conversation}/freeze", "freeze", conversations, 1024, freeze},
        Route{"POST", "/v1/conversations/{conversation}/unfreeze", "unfreeze", conversations, 1024, unfreeze},
        Route{"POST", "/v1/conversations/{conversation}/truncate", "truncate", conversations, 1024, truncate},
        Route{"GET", "/v1/conversations/{conversation}/occupancy", "get_occupancy", signals, 0, get_occupancy},
        Route{"GET", "/v1/users/{user}/conversations/{other}", "get_direct_conversation", conversations, 0,
              get_conversation},
    };
    return kRoutes;
}

}  // namespace flare::server::api
