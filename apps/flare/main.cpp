// flare: one binary for what people run beside and instead of their own programs. docs/cli.md is the guide.
#include "commands.hpp"
#include "output.hpp"
#include "tree/usage.hpp"

#include "base/log.hpp"

#include <cstdlib>
#include <exception>

namespace {

// An exception that nobody catches: what the log still holds, and what it was, before the process aborts.
[[noreturn]] void die() {
    std::string why = "terminated";
    try {
        if (const auto thrown = std::current_exception()) std::rethrow_exception(thrown);
    } catch (const std::exception& error) {
        why.append(" by an exception: ").append(error.what());
    } catch (...) {
        why += " by something that is not an exception";
    }
    flare::base::last_words(why);
    std::abort();
}

}  // namespace

int main(int argc, char** argv) {
    using namespace flare::cli;
    std::set_terminate(die);
    CLI::App app{"Flare: instant messaging that survives network failures", "flare"};
    app.require_subcommand(1);
    app.set_version_flag("--version", std::string("flare ") + FLARE_VERSION, "print the version");
    app.set_help_all_flag("--help-all", "print help for every command");
    app.footer(
        "Exit codes: 0 success, 1 failure, 2 invalid options or configuration, 3 server unreachable, 4 refused.");

    app.failure_message(usage_problem);

    Run run;
    add_server(app, run);
    add_chat(app, run);
    add_send(app, run);
    add_listen(app, run);
    add_list(app, run);
    add_room(app, run);
    add_user(app, run);
    add_history(app, run);
    add_hooks(app, run);
    add_race(app, run);
    add_doctor(app, run);
    add_explain(app, run);
    add_store(app, run);
    add_top(app, run);
    add_token(app, run);
    add_api(app, run);
    add_api_key(app, run);
    add_certs(app, run);
    add_train(app, run);
    add_bench(app, run);
    add_completion(app, run);
    add_man(app, run);
    add_version(app, run);

    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        // CLI11 has printed help, the version or the problem.
        return finish_output({}, app.exit(error) == 0 ? kDone : kUsage);
    }
    const std::string command = app.get_subcommands().front()->get_name();
    try {
        return finish_output(command, run());
    } catch (const std::exception& error) {
        print_problem(command, error.what());
        return finish_output(command, kFailed);
    }
}
