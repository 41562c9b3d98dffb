#include "api_calling.hpp"

#include "api/answer.hpp"
#include "api_table.hpp"
#include "base/file.hpp"
#include "output.hpp"

#include <unistd.h>

#include <array>
#include <cerrno>
#include <clocale>
#include <cstdlib>
#include <cstring>
#include <optional>

namespace flare::cli {
namespace {

constexpr std::size_t kMaxApiBodyBytes = 8 * 1024 * 1024;  // of a batch: docs/server-api.md
constexpr std::size_t kWidestCell = 60;                    // on a terminal
constexpr const char* kLargestPage = "200";

int call_failure(std::string_view command, const ApiCalling& calling, const Failure& failure) {
    print_problem(command, failure.text);
    if (calling.json)
        print_json({{"result", "failed"}, {"code", std::string(name(failure.code))}, {"text", failure.text}});
    return exit_code_of(failure.code);
}

// A server has answered, so none of what the code otherwise says of the way there.
int exit_code_of_refusal(const std::string& code_name) {
    constexpr int kEndOfCodes = 1000;
    for (int number = 1; number < kEndOfCodes; ++number) {
        const auto code = static_cast<errc>(number);
        if (name(code) == code_name) return exit_code_of(code) == kFailed ? kFailed : kRefused;
    }
    return kRefused;
}

int call_refused(std::string_view command, const ApiCalling& calling, const api::Refusal& refusal) {
    print_problem(command, refusal.line());
    if (calling.json) {
        boost::json::object object{
            {"result", "failed"}, {"code", refusal.code}, {"text", refusal.detail}, {"status", refusal.status}};
        if (!refusal.field.empty()) object["field"] = refusal.field;
        if (!refusal.retry_after_s.empty()) object["retry_after_s"] = std::stoul(refusal.retry_after_s);
        print_json(object);
    }
    return exit_code_of_refusal(refusal.code);
}

Checked<std::string> read_body_input() {
    std::string text;
    std::array<char, 16 * 1024> block{};
    for (;;) {
        const ssize_t got = ::read(STDIN_FILENO, block.data(), block.size());
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return Failure(errc::file_unreadable, std::string("standard input: ") + std::strerror(errno));
        if (got == 0) return text;
        text.append(block.data(), static_cast<std::size_t>(got));
        if (text.size() > kMaxApiBodyBytes)
            return Failure(errc::invalid_config, "standard input has more than the 8 MiB that a body may have");
    }
}

// What --body means. Nothing: it is not given.
Checked<std::optional<std::string>> body_of(const std::string& given) {
    if (given.empty()) return std::optional<std::string>();
    if (given != "-" && !given.starts_with('@')) return std::optional(given);
    auto read = given == "-" ? read_body_input()
                             : base::read_text(given.substr(1), "--body", kMaxApiBodyBytes, base::Access::open);
    if (!read) return read.error();
    return std::optional(std::move(*read));
}

const char* type_name_of(api::Kind kind) {
    switch (kind) {
        case api::Kind::number: return "N";
        case api::Kind::json: return "JSON";
        case api::Kind::text:
        case api::Kind::texts:
        case api::Kind::text_or_texts:
        case api::Kind::flag: break;
    }
    return "TEXT";
}

std::vector<std::string> choices_of(const api::Parameter& parameter) {
    return CLI::detail::split(std::string(parameter.choices), ',');
}

// Shows answers, one page after the other.
class Shown {
public:
    Shown(const api::Call& call, const ApiCalling& calling)
        : call_(call), json_(calling.json), table_(calling.columns, is_terminal(stdout) ? kWidestCell : 0) {}

    void add(const boost::json::object& body) {
        failures_ += api::failures_in(body);
        if (json_) return print_json(body);
        const boost::json::value* const list = call_.items.empty() ? nullptr : body.if_contains(call_.items);
        const bool is_list = list != nullptr && list->is_array();
        if (first_ || !is_list) print(api_lines(body, is_list ? call_.items : std::string_view()));
        if (is_list) {
            print(table_.add(list->as_array()));
            items_ += list->as_array().size();
        } else if (body.empty()) {
            std::puts("done");
        }
        has_list_ |= is_list;
        first_ = false;
        static_cast<void>(flush_output());
    }
    // After the last page: what it leaves open. `next`: its cursor.
    void finish(const std::string& next) const {
        if (json_ || !has_list_) return;
        if (items_ == 0) std::fprintf(stderr, "no %s\n", std::string(call_.items).c_str());
        if (!next.empty()) std::fprintf(stderr, "there are more: --all, or --cursor %s\n", printable(next).c_str());
    }
    std::size_t failures() const noexcept { return failures_; }

private:
    static void print(const std::vector<std::string>& lines) {
        for (const std::string& line : lines) std::printf("%s\n", line.c_str());
    }

    const api::Call& call_;
    const bool json_;
    ApiTable table_;
    std::size_t items_ = 0;
    std::size_t failures_ = 0;
    bool first_ = true;
    bool has_list_ = false;
};

}  // namespace

// Each time it is given it adds one value: so no text is taken for a list, whatever it is.
void add_parameter(CLI::App& command, const api::Parameter& parameter, const std::shared_ptr<ApiCalling>& calling,
                   As as) {
    const std::string name(parameter.option);
    std::string says(parameter.says);
    const bool several = parameter.kind == api::Kind::texts || parameter.kind == api::Kind::text_or_texts;
    if (several) says += " Repeatable.";
    if (parameter.kind == api::Kind::flag) {
        command.add_flag_function(
            "--" + name,
            [calling, name](std::int64_t count) { calling->typed.set(name, count > 0 ? "true" : "false"); },
            says + " --" + name + "=false for the opposite.");
        return;
    }
    CLI::Option* added = command.add_option_function<std::string>(
        (as == As::option ? "--" : "") + name,
        [calling, name](const std::string& value) { calling->typed.values[name].push_back(value); }, says);
    added->type_name(type_name_of(parameter.kind));
    if (several) added->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)->trigger_on_parse();
    if (!parameter.choices.empty()) added->check(CLI::IsMember(choices_of(parameter)));
    // What stands in a body may also come with --body.
    if (as == As::place || (parameter.required && parameter.place != api::Place::body)) added->required();
}

void add_calling_options(CLI::App& command, const api::Call& call, const std::shared_ptr<ApiCalling>& calling) {
    if (call.has_body()) {
        command
            .add_option("--body", calling->body,
                        "the body as a JSON object: JSON, @FILE, or - for standard input; options add to it")
            ->type_name("JSON");
    }
    if (!call.items.empty()) {
        command.add_option("--columns", calling->columns, "columns of the table: a,b,c")
            ->delimiter(',')
            ->allow_extra_args(false)
            ->type_name("NAMES");
    }
    if (call.has_pages()) command.add_flag("--all", calling->all, "every page, from the first to the last");
    command.add_flag("--json", calling->json, "print the answer as JSON, one line a page");
    api::add_connection_options(command, calling->way);
}

int make_call(std::string_view command, const api::Call& call, ApiCalling calling) {
    if (std::setlocale(LC_CTYPE, "") == nullptr || MB_CUR_MAX == 1) std::setlocale(LC_CTYPE, "C.UTF-8");
    auto body = body_of(calling.body);
    if (!body) return call_failure(command, calling, body.error());
    calling.typed.body = std::move(*body);
    if (calling.all && !calling.typed.values.contains("limit")) calling.typed.set("limit", kLargestPage);
    const bool repeatable = call.method == "GET" || calling.typed.values.contains("idempotency-key");
    Shown shown(call, calling);
    std::optional<api::Connection> connection;
    std::string cursor;
    for (;;) {
        auto question = api::question_of(call, calling.typed);
        if (!question) return call_failure(command, calling, question.error());
        if (!connection) {
            auto opened = api::Connection::open(*calling.way, repeatable);
            if (!opened) return call_failure(command, calling, opened.error());
            connection.emplace(std::move(*opened));
        }
        std::optional<Progress> progress(std::in_place, "asking");
        const auto answer = connection->ask(std::move(*question));
        progress.reset();
        if (!answer) return call_failure(command, calling, answer.error());
        const auto outcome = api::read_answer(*answer, connection->url());
        if (!outcome) return call_failure(command, calling, outcome.error());
        if (outcome->refused) return call_refused(command, calling, *outcome->refused);
        shown.add(outcome->body);
        const std::string next = api::next_of(outcome->body);
        if (!calling.all || next.empty()) {
            shown.finish(next);
            break;
        }
        if (!flush_output()) return kFailed;
        if (next == cursor)
            return call_failure(command, calling,
                                {errc::not_supported, connection->url() + " answers with the same page again"});
        cursor = next;
        calling.typed.set("cursor", cursor);
    }
    if (shown.failures() == 0) return kDone;
    print_problem(command, std::to_string(shown.failures()) + " failed: see `error`");
    return kFailed;
}

}  // namespace flare::cli
