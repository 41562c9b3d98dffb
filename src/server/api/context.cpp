#include "server/api/context.hpp"

#include "im/names.hpp"
#include "model/target.hpp"
#include "server/api/forms.hpp"
#include "server/worker/shard.hpp"
#include "wire/requests.hpp"

#include <utility>

namespace flare::server::api {
namespace {

Problem no_store() {
    return problem_of(errc::not_supported, "this server keeps no conversations: it has no store (store.file)");
}

}  // namespace

void Context::read(const CallPtr& call, std::function<Reply(store::Reader& reader)> question) {
    if (!has_store()) return call->refuse(no_store());
    const errc code = group_.store->read([call, question = std::move(question)](store::Reader& reader) {
        Reply reply = question(reader);
        if (const Problem* const problem = std::get_if<Problem>(&reply)) return call->refuse(*problem);
        call->answer(200, std::move(std::get<boost::json::object>(reply)));
    });
    if (code != errc::ok) call->refuse(problem_of(said_of(code)));
}

void Context::at_home(const CallPtr& call, const std::string& user, std::function<void(Conversations& there)> ask) {
    if (!has_store()) return call->refuse(no_store());
    const bool posted = group_.router.give(group_.router.home_of(user),
                                           [ask = std::move(ask)](Shard& shard) { ask(*shard.conversations()); });
    if (!posted) call->refuse(problem_of(errc::shutting_down));
}

void Context::count_online(const CallPtr& call, const model::ConversationKey& key) {
    if (!has_store()) return call->refuse(no_store());
    const auto answer = [call](errc code, const wire::im::Occupancy& found) {
        if (code != errc::ok) return call->refuse(problem_of(code));
        call->answer(200, {{"online", found.online}, {"members", found.members}});
    };
    const errc asked = group_.store->read([call, key, answer, &router = group_.router](store::Reader& reader) {
        const auto found = reader.conversation(key);
        if (!found) return call->refuse(problem_of(static_cast<errc>(found.error().value())));
        if (!*found || (*found)->removed) return call->refuse(problem_of(errc::unknown_conversation));
        router.give(router.home_of(key.text()), [key, row = (*found)->row, answer](Shard& home) {
            home.conversations()->signals.occupancy.get(key, row, answer);
        });
    });
    if (asked != errc::ok) call->refuse(problem_of(said_of(asked)));
}

void Context::perform(const CallPtr& call, std::vector<ApplicationCall> calls, ApplicationCalls::Done then) {
    if (!has_store()) return call->refuse(no_store());
    const std::uint32_t worker = next_worker_.fetch_add(1, std::memory_order_relaxed) % group_.router.workers();
    const auto given = std::make_shared<std::vector<ApplicationCall>>(std::move(calls));
    const bool posted = group_.router.give(worker, [given, then = std::move(then)](Shard& shard) {
        shard.conversations()->calls.take(std::move(*given), then);
    });
    if (!posted) call->refuse(problem_of(errc::shutting_down));
}

void Context::change(const CallPtr& call, ApplicationCall one) {
    std::vector<ApplicationCall> calls;
    calls.push_back(std::move(one));
    perform(call, std::move(calls), [call](const std::vector<im::effect::Answer>& answers) {
        const im::effect::Answer& answer = answers.front();
        if (answer.code != errc::ok) return call->refuse(problem_of(answer.code, answer.text, answer.retry_after_ms));
        boost::json::object written;
        if (answer.position.offset != 0)
            add_written(written, answer);  // of what ends a log, or needs none, there is none
        call->answer(200, std::move(written));
    });
}

bool is_user(std::string_view name) noexcept {
    return !name.empty() && wire::is_name(name) && !model::is_reserved(name);
}

std::optional<std::string> user_of(const CallPtr& call) {
    const std::string& user = call->path("user");
    if (is_user(user)) return user;
    Problem problem = problem_of(errc::invalid_name, "the path names no user: 1 to 256 bytes of UTF-8");
    problem.field = "user";
    call->refuse(problem);
    return std::nullopt;
}

std::optional<model::ConversationKey> conversation_of(const CallPtr& call) {
    if (!call->has_path("conversation")) {
        const std::string& user = call->path("user");
        const std::string& other = call->path("other");
        if (is_user(user) && (is_user(other) || other == kServerTarget))
            return model::ConversationKey::direct(user, other);
        call->refuse(problem_of(errc::invalid_name,
                                "the path names a direct conversation by two users, or a user and \"server\""));
        return std::nullopt;
    }
    const model::Target target = model::Target::of(call->path("conversation"));
    Problem problem = problem_of(errc::invalid_name, "the path names no room: \"room:\" and its name are needed");
    if (target.kind == model::Target::Kind::conversation) {
        const auto refused = im::check_room_name(target.name);
        if (!refused) return model::ConversationKey::room(target.name);
        problem = problem_of(refused->code, refused->text);
    }
    problem.field = "conversation";
    call->refuse(problem);
    return std::nullopt;
}

bool read_body(const CallPtr& call, const std::function<void(Body& body)>& read) {
    const auto parsed = parse_body(call->request().body);
    if (const Problem* const problem = std::get_if<Problem>(&parsed)) {
        call->refuse(*problem);
        return false;
    }
    std::optional<Problem> problem;
    Body body(std::get<boost::json::object>(parsed), problem);
    read(body);
    if (!problem && body.finish()) return true;
    call->refuse(*problem);
    return false;
}

bool check_query(const CallPtr& call, std::initializer_list<std::string_view> known) {
    const std::string_view stray = call->stray_query({known.begin(), known.size()});
    if (stray.data() == nullptr) return true;
    call->refuse(malformed("no such parameter is known here", std::string(stray)));
    return false;
}

std::optional<std::uint32_t> limit_of(const CallPtr& call) {
    constexpr std::uint32_t kUsual = 50;
    std::optional<Problem> problem;
    const auto limit = call->query_number("limit", wire::im::kMaxPage, problem);
    if (!problem && limit != std::uint64_t{0}) return static_cast<std::uint32_t>(limit.value_or(kUsual));
    call->refuse(problem.value_or(malformed("a page has 1 to 200 of them", "limit")));
    return std::nullopt;
}

}  // namespace flare::server::api
