// Messages: publish, read, change.
#include "base/crypto.hpp"
#include "im/names.hpp"
#include "model/target.hpp"
#include "server/api/context.hpp"
#include "server/api/forms.hpp"
#include "server/conversations/reading.hpp"
#include "wire/about.hpp"

#include <boost/json/array.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

namespace flare::server::api {
namespace {

using boost::json::array;
using boost::json::object;

constexpr std::size_t kMostTargets = 100;   // of one message
constexpr std::size_t kMostMessages = 100;  // of a batch
constexpr std::size_t kMostCalls = 1000;    // of a batch: each message to each target
// As base64, with names and mentions.
constexpr std::size_t kMaxMessageBodyBytes = 2 * 1024 * 1024;
constexpr std::size_t kMaxBatchBodyBytes = 8 * 1024 * 1024;

// ---- publish ----

struct Outgoing {
    Message message{};
    std::vector<std::string> to{};
    bool many = false;  // `to` is an array
};

void check_targets(Body& body, const Outgoing& out) {
    if (out.to.empty()) body.wrong("to", "a message needs a target: a user, \"room:NAME\", or an array of them");
    for (const std::string& each : out.to) {
        const model::Target target = model::Target::of(each);
        if (target.kind == model::Target::Kind::conversation) {
            if (const auto refused = im::check_room_name(target.name))
                return body.wrong("to", std::string(refused->text), refused->code);
        } else if (!is_user(each)) {
            return body.wrong("to", "\"" + each.substr(0, 64) + "\" is neither a user nor \"room:NAME\"",
                              errc::invalid_name);
        }
        if (std::ranges::count(out.to, each) != 1) return body.wrong("to", "a target comes twice");
    }
}

void read_outgoing(Body& body, Outgoing& out) {
    const boost::json::value* const to = body.value("to");
    out.many = to != nullptr && to->is_array();
    if (out.many) {
        out.to = body.texts("to", kMostTargets);
    } else if (auto one = body.text("to")) {
        out.to.push_back(std::move(*one));
    }
    check_targets(body, out);
    Message& message = out.message;
    message.from = body.text("from").value_or(std::string());
    if (message.from == kServerTarget) message.from.clear();
    if (!message.from.empty() && !is_user(message.from))
        body.wrong("from", "this is no name of a user: 1 to 256 bytes of UTF-8", errc::invalid_name);
    message.type = body.text("type", wire::kMaxNameBytes).value_or("text");
    if (auto payload = body.payload(im::kMaxPayloadBytes)) {
        message.payload = std::move(*payload);
    } else {
        body.wrong("text", "a message needs a payload: \"text\", or \"base64\"");
    }
    message.id = body.uuid("id").value_or(Uuid());
    message.reply_to = body.number("reply_to").value_or(0);
    message.silent = body.flag("silent").value_or(false);
    message.mentions_all = body.flag("mentions_all").value_or(false);
    message.mentions = body.texts("mentions", wire::kMaxMentions);
    for (const std::string& user : message.mentions)
        if (!is_user(user)) body.wrong("mentions", "somebody of these is no user", errc::invalid_name);
}

// Of a message with several targets, each entry has an id of its own.
Uuid id_for(const Uuid& id, std::string_view to) {
    const base::Key hash = base::sha256(std::string(id.raw()) + std::string(to));
    Uuid made;
    std::copy_n(hash.begin(), made.bytes.size(), made.bytes.begin());
    made.bytes[6] = static_cast<std::uint8_t>((made.bytes[6] & 0x0f) | 0x80);
    made.bytes[8] = static_cast<std::uint8_t>((made.bytes[8] & 0x3f) | 0x80);
    return made;
}

ApplicationCall call_of(Context& context, const Outgoing& out, const std::string& to) {
    ApplicationCall made;
    const model::Target target = model::Target::of(to);
    const std::string_view from = out.message.from.empty() ? kServerTarget : std::string_view(out.message.from);
    made.key = target.kind == model::Target::Kind::conversation ? model::ConversationKey::room(target.name)
                                                                : model::ConversationKey::direct(from, to);
    made.actor = out.message.from;
    ApplicationText text;
    text.message = out.message;
    if (out.many) text.message.id = id_for(out.message.id, to);
    made.id = text.message.id;
    text.forms = std::move(context.encoder().encode(text.message, to, true)->forms);
    made.what = std::move(text);
    return made;
}

object result_of(const im::effect::Answer& answer) {
    object told;
    told["id"] = answer.id.str();
    if (answer.code == errc::ok) {
        add_written(told, answer);
    } else {
        told["error"] = json_of(problem_of(answer.code, answer.text, answer.retry_after_ms));
    }
    return told;
}

// Of a message, those of its answers that begin at `at`.
object results_of(const Outgoing& out, const std::vector<im::effect::Answer>& answers, std::size_t& at) {
    if (!out.many) return result_of(answers[at++]);
    array results;
    for (const std::string& to : out.to) {
        object told{{"to", to}};
        for (auto& each : result_of(answers[at++])) told[each.key()] = each.value();
        results.push_back(std::move(told));
    }
    return object{{"results", std::move(results)}};
}

using OutgoingList = std::shared_ptr<std::vector<Outgoing>>;

void send_all(Context& context, const CallPtr& call, const OutgoingList& all, ApplicationCalls::Done then) {
    std::vector<ApplicationCall> calls;
    std::size_t number = 0;
    for (Outgoing& out : *all) {
        if (out.message.id.is_nil()) out.message.id = call->entry_id(number);
        ++number;
        for (const std::string& to : out.to) calls.push_back(call_of(context, out, to));
    }
    context.perform(call, std::move(calls), std::move(then));
}

void publish(Context& context, const CallPtr& call) {
    const auto all = std::make_shared<std::vector<Outgoing>>(1);
    if (!check_query(call, {}) || !read_body(call, [&](Body& body) { read_outgoing(body, all->front()); })) return;
    send_all(context, call, all, [call, all](const std::vector<im::effect::Answer>& answers) {
        const im::effect::Answer& first = answers.front();
        if (!all->front().many && first.code != errc::ok)
            return call->refuse(problem_of(first.code, first.text, first.retry_after_ms));
        std::size_t at = 0;
        call->answer(200, results_of(all->front(), answers, at));
    });
}

void publish_batch(Context& context, const CallPtr& call) {
    const auto all = std::make_shared<std::vector<Outgoing>>();
    const bool good = check_query(call, {}) && read_body(call, [&](Body& body) {
                          const array* const messages = body.array("messages", kMostMessages);
                          if (messages == nullptr || messages->empty())
                              return body.wrong("messages", "an array of 1 to 100 messages is needed here");
                          std::size_t targets = 0;
                          for (std::size_t i = 0; i < messages->size(); ++i) {
                              const std::string at = "messages[" + std::to_string(i) + "]";
                              const object* const one = (*messages)[i].if_object();
                              if (one == nullptr) return body.wrong(at, "a message is an object");
                              Body inner = body.inner(*one, at);
                              read_outgoing(inner, all->emplace_back());
                              if (!inner.finish()) return;
                              targets += all->back().to.size();
                          }
                          if (targets > kMostCalls)
                              body.wrong("messages", "together they have more than 1000 targets: send several batches");
                      });
    if (!good) return;
    send_all(context, call, all, [call, all](const std::vector<im::effect::Answer>& answers) {
        array results;
        std::size_t at = 0;
        for (const Outgoing& out : *all) results.push_back(results_of(out, answers, at));
        call->answer(200, object{{"results", std::move(results)}});
    });
}

// ---- read ----

std::string cursor_of(char direction, std::uint64_t offset) { return direction + std::to_string(offset); }

// "b12": before 12; "a12": behind it.
bool read_cursor(std::string_view text, wire::im::HistoryQuery& query) {
    if (text.size() < 2 || (text[0] != 'a' && text[0] != 'b')) return false;
    std::uint64_t offset = 0;
    const auto [end, error] = std::from_chars(text.data() + 1, text.data() + text.size(), offset);
    if (error != std::errc() || end != text.data() + text.size()) return false;
    query.forward = text[0] == 'a';
    (query.forward ? query.after : query.before) = offset;
    return true;
}

Context::Reply page_of(store::Reader& reader, const model::ConversationKey& key, const wire::im::HistoryQuery& query) {
    const reading::Found found = reading::history(reader, key, kServerTarget, query, 0);
    if (found.code != errc::ok) return problem_of(found.code, found.text);
    const auto page = wire::im::decode<wire::im::HistoryPage>(found.body);
    if (!page) return problem_of(errc::internal);
    object told;
    if (page->head) told["head"] = json_of(*page->head);
    array entries;
    for (const wire::im::Entry& each : page->entries) entries.push_back(json_of(each));
    if (page->more && !page->entries.empty())
        told["next"] =
            query.forward ? cursor_of('a', page->entries.back().offset) : cursor_of('b', page->entries.front().offset);
    told["entries"] = std::move(entries);
    return told;
}

void list_messages(Context& context, const CallPtr& call) {
    if (!check_query(call, {"limit", "before", "after", "cursor"})) return;
    const auto key = conversation_of(call);
    const auto limit = key ? limit_of(call) : std::nullopt;
    if (!limit) return;
    wire::im::HistoryQuery query;
    query.limit = *limit;
    std::optional<Problem> problem;
    const auto before = call->query_number("before", UINT64_MAX, problem);
    const auto after = call->query_number("after", UINT64_MAX - 1, problem);
    const std::string_view cursor = call->query("cursor");
    if (problem) return call->refuse(*problem);
    if (static_cast<int>(before.has_value()) + static_cast<int>(after.has_value()) + (cursor.empty() ? 0 : 1) > 1)
        return call->refuse(malformed("one of before, after and cursor says where a page begins", "cursor"));
    query.before = before.value_or(0);
    query.after = after.value_or(0);
    query.forward = after.has_value();
    if (!cursor.empty() && !read_cursor(cursor, query))
        return call->refuse(malformed("this is none of the cursors that pages have as \"next\"", "cursor"));
    context.read(call, [key = *key, query](store::Reader& reader) { return page_of(reader, key, query); });
}

// ---- one message ----

std::optional<std::uint64_t> offset_of(const CallPtr& call) {
    const std::string& text = call->path("offset");
    std::uint64_t offset = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), offset);
    if (error == std::errc() && end == text.data() + text.size() && offset != 0 && offset != UINT64_MAX) return offset;
    call->refuse(malformed("the offset of a message is a number from 1 on", "offset"));
    return std::nullopt;
}

void get_message(Context& context, const CallPtr& call) {
    if (!check_query(call, {})) return;
    const auto key = conversation_of(call);
    const auto offset = key ? offset_of(call) : std::nullopt;
    if (!offset) return;
    wire::im::HistoryQuery query;
    query.forward = true;
    query.after = *offset - 1;
    query.limit = 1;
    context.read(call, [key = *key, query, offset = *offset](store::Reader& reader) -> Context::Reply {
        const reading::Found found = reading::history(reader, key, kServerTarget, query, 0);
        if (found.code != errc::ok) return problem_of(found.code, found.text);
        const auto page = wire::im::decode<wire::im::HistoryPage>(found.body);
        if (!page || page->entries.empty() || page->entries.front().offset != offset)
            return problem_of(errc::unknown_entry, "the log has no entry with this offset");
        return json_of(page->entries.front());
    });
}

struct Change {
    std::string by{};
    std::uint64_t epoch = 0;
    Message message{};
};

void check_actor(Body& body, const std::string& name, std::string& actor, bool needed) {
    if (actor == kServerTarget) actor.clear();
    if (actor.empty() && needed) body.wrong(name, "this is done in the name of a user: say whose");
    if (!actor.empty() && !is_user(actor))
        body.wrong(name, "this is no name of a user: 1 to 256 bytes of UTF-8", errc::invalid_name);
}

void change_entry(Context& context, const CallPtr& call, model::EntryKind kind, Change change,
                  bool takes_back = false) {
    const auto key = conversation_of(call);
    const auto offset = key ? offset_of(call) : std::nullopt;
    if (!offset) return;
    ApplicationCall made;
    made.key = *key;
    made.actor = std::move(change.by);
    made.id = call->entry_id(0);
    made.what = ApplicationText{kind, takes_back, change.epoch, *offset, std::move(change.message)};
    context.change(call, std::move(made));
}

void edit_message(Context& context, const CallPtr& call) {
    Change change;
    const bool good = check_query(call, {}) && read_body(call, [&](Body& body) {
                          change.by = body.text("by").value_or(std::string());
                          check_actor(body, "by", change.by, false);
                          change.epoch = body.number("epoch").value_or(0);
                          change.message.type = body.text("type", wire::kMaxNameBytes).value_or(std::string());
                          if (auto payload = body.payload(im::kMaxPayloadBytes)) {
                              change.message.payload = std::move(*payload);
                          } else {
                              body.wrong("text", "a message needs a payload: \"text\", or \"base64\"");
                          }
                      });
    if (good) change_entry(context, call, model::EntryKind::edit, std::move(change));
}

// What a DELETE says stands in its query.
std::optional<Change> change_of_query(const CallPtr& call, bool needs_user) {
    Change change;
    std::optional<Problem> problem;
    const boost::json::object none;
    Body query(none, problem);
    change.by = call->query("by");
    check_actor(query, "by", change.by, needs_user);
    change.epoch = call->query_number("epoch", UINT64_MAX, problem).value_or(0);
    if (!problem) return change;
    call->refuse(*problem);
    return std::nullopt;
}

void delete_message(Context& context, const CallPtr& call) {
    if (!check_query(call, {"by", "epoch"})) return;
    if (auto change = change_of_query(call, false))
        change_entry(context, call, model::EntryKind::removal, std::move(*change));
}

void react(Context& context, const CallPtr& call) {
    Change change;
    const bool good = check_query(call, {}) && read_body(call, [&](Body& body) {
                          change.by = body.text("by").value_or(std::string());
                          check_actor(body, "by", change.by, true);
                          change.epoch = body.number("epoch").value_or(0);
                          const std::string key = body.required("key");
                          const auto refused = im::check_reaction(key);
                          if (refused) body.wrong("key", std::string(refused->text), refused->code);
                          change.message.payload = Bytes(key);
                      });
    if (good) change_entry(context, call, model::EntryKind::reaction, std::move(change));
}

void unreact(Context& context, const CallPtr& call) {
    if (!check_query(call, {"by", "key", "epoch"})) return;
    auto change = change_of_query(call, true);
    if (!change) return;
    const std::string key(call->query("key"));
    if (const auto refused = im::check_reaction(key)) {
        Problem problem = problem_of(refused->code, refused->text);
        problem.field = "key";
        return call->refuse(problem);
    }
    change->message.payload = Bytes(key);
    change_entry(context, call, model::EntryKind::reaction, std::move(*change), true);
}

}  // namespace

std::span<const Route> message_routes() {
    using enum auth::Scopes::Group;
    static constexpr std::array kRoutes{
        Route{"POST", "/v1/messages", "publish", messages, kMaxMessageBodyBytes, publish},
        Route{"POST", "/v1/messages/batch", "publish_batch", messages, kMaxBatchBodyBytes, publish_batch},
        Route{"GET", "/v1/conversations/{conversation}/messages", "list_messages", messages, 0, list_messages},
        Route{"GET", "/v1/conversations/{conversation}/messages/{offset}", "get_message", messages, 0, get_message},
        Route{"PATCH", "/v1/conversations/{conversation}/messages/{offset}", "edit_message", messages,
              kMaxMessageBodyBytes, edit_message},
        Route{"DELETE", "/v1/conversations/{conversation}/messages/{offset}", "delete_message", messages, 0,
              delete_message},
        Route{"POST", "/v1/conversations/{conversation}/messages/{offset}/reactions", "react", messages, 4096, react},
        Route{"DELETE", "/v1/conversations/{conversation}/messages/{offset}/reactions", "unreact", messages, 0,
              unreact},
        Route{"GET", "/v1/users/{user}/conversations/{other}/messages", "list_direct_messages", messages, 0,
              list_messages},
        Route{"GET", "/v1/users/{user}/conversations/{other}/messages/{offset}", "get_direct_message", messages, 0,
              get_message},
        Route{"PATCH", "/v1/users/{user}/conversations/{other}/messages/{offset}", "edit_direct_message", messages,
              kMaxMessageBodyBytes, edit_message},
        Route{"DELETE", "/v1/users/{user}/conversations/{other}/messages/{offset}", "delete_direct_message", messages,
              0, delete_message},
        Route{"POST", "/v1/users/{user}/conversations/{other}/messages/{offset}/reactions", "react_direct", messages,
              4096, react},
        Route{"DELETE", "/v1/users/{user}/conversations/{other}/messages/{offset}/reactions", "unreact_direct",
              messages, 0, unreact},
    };
    return kRoutes;
}

}  // namespace flare::server::api
