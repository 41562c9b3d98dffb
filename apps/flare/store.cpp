// flare store: checks a store's file, backs it up, restores a backup.
#include "commands.hpp"
#include "output.hpp"

#include <flare/store.hpp>

#include <atomic>
#include <csignal>
#include <filesystem>
#include <memory>
#include <optional>

namespace flare::cli {
namespace {

namespace json = boost::json;

std::atomic<bool> interrupted{false};
static_assert(std::atomic<bool>::is_always_lock_free, "a signal handler sets it");

// A copy that is stopped leaves nothing; a second signal ends the process at once, and its draft stays.
void stop_at_signals() {
    for (const int each : {SIGINT, SIGTERM}) {
        std::signal(each, [](int number) {
            interrupted = true;
            std::signal(number, SIG_DFL);
        });
    }
}

struct CopyOptions {
    std::string from, to;
    bool force = false;
    bool no_check = false;
    bool json = false;
};

json::object in_json(const StoreReport& report) {
    json::array faults;
    for (const StoreFault& each : report.faults)
        faults.push_back(json::object{{"where", each.where}, {"what", each.what}});
    return {{"users", report.users},     {"conversations", report.conversations}, {"members", report.members},
            {"entries", report.entries}, {"fault_count", report.fault_count},     {"faults", faults}};
}

std::string counts(const StoreReport& report) {
    const auto counted = [](std::uint64_t count, const char* one, const char* many) {
        return std::to_string(count) + " " + (count == 1 ? one : many);
    };
    return counted(report.entries, "entry", "entries") + " in " +
           counted(report.conversations, "conversation", "conversations") + " of " +
           counted(report.users, "user", "users");
}

int fail(const Failure& failure, bool as_json) {
    print_problem("store", failure.text);
    if (as_json) print_json({{"ok", false}, {"code", name(failure.code)}, {"text", failure.text}});
    return failure.code == errc::invalid_config ? kUsage : kFailed;
}

// ---- check ----

int check(const std::string& file, bool as_json) {
    std::optional<Progress> progress(std::in_place, "checking");
    const auto report = check_store(file);
    progress.reset();
    if (!report) return fail(report.error(), as_json);
    const bool good = report->fault_count == 0;
    if (as_json) {
        json::object told = in_json(*report);
        told["ok"] = good;
        print_json(told);
        return good ? kDone : kFailed;
    }
    for (const StoreFault& each : report->faults)
        std::printf("%s %s\n", coloured(Tone::bad, printable(each.where) + ":").c_str(), printable(each.what).c_str());
    if (report->fault_count > report->faults.size())
        std::printf("and %s more\n", std::to_string(report->fault_count - report->faults.size()).c_str());
    std::printf("%s: %s\n", counts(*report).c_str(),
                good ? coloured(Tone::good, "good").c_str()
                     : coloured(Tone::bad,
                                std::to_string(report->fault_count) + (report->fault_count == 1 ? " fault" : " faults"))
                           .c_str());
    if (!good) print_problem("store", "the store contradicts itself: restore a backup with `flare store restore`");
    return good ? kDone : kFailed;
}

// ---- backup, restore ----

StoreCopy copy_of(const CopyOptions& options) {
    StoreCopy copy;
    copy.replace = options.force;
    copy.check = !options.no_check;
    copy.progress = [](std::uint64_t, std::uint64_t) { return !interrupted; };
    return copy;
}

using Copier = Checked<StoreReport> (*)(const std::string&, const std::string&, const StoreCopy&);

int copy(const CopyOptions& options, Copier copier, const char* what) {
    stop_at_signals();
    std::optional<Progress> progress(std::in_place, "copying");
    const auto report = copier(options.from, options.to, copy_of(options));
    progress.reset();
    if (!report) {
        const int code = fail(report.error(), options.json);
        std::error_code ignored;
        const bool in_the_way = std::filesystem::is_regular_file(std::filesystem::symlink_status(options.to, ignored));
        if (report.error().code == errc::file_unwritable && in_the_way && !options.force)
            print_problem("store", "an existing file is replaced with --force");
        return code;
    }
    if (options.json) {
        json::object told = in_json(*report);
        told["ok"] = true;
        told["checked"] = !options.no_check;
        print_json(told);
        return kDone;
    }
    std::printf("%s %s%s\n", what, printable(options.to).c_str(),
                options.no_check ? ", not checked" : (": " + counts(*report)).c_str());
    return kDone;
}

std::shared_ptr<CopyOptions> add_copy(CLI::App& command, const char* from, const char* from_says, const char* to,
                                      const char* to_says) {
    auto options = std::make_shared<CopyOptions>();
    command.add_option(from, options->from, from_says)->required()->type_name("FILE");
    command.add_option(to, options->to, to_says)->required()->type_name("FILE");
    command.add_flag("--force", options->force, "replace an existing file");
    command.add_flag("--no-check", options->no_check, "do not check the copy: faster, and takes damaged stores too");
    command.add_flag("--json", options->json, "print one JSON object");
    return options;
}

}  // namespace

void add_store(CLI::App& app, Run& run) {
    CLI::App* store = app.add_subcommand("store", "Check, back up and restore the file that keeps conversations");
    store->require_subcommand(1);

    struct Checking {
        std::string file;
        bool json = false;
    };
    auto checking = std::make_shared<Checking>();
    CLI::App* check_command =
        store->add_subcommand("check", "Check a store that no server uses; changes nothing, fails if it finds a fault");
    check_command->add_option("file", checking->file, "the store")->required()->type_name("FILE");
    check_command->add_flag("--json", checking->json, "print one JSON object");
    check_command->callback([checking, &run] { run = [checking] { return check(checking->file, checking->json); }; });

    CLI::App* backup_command =
        store->add_subcommand("backup", "Write a checked copy of a store, also while a server uses it");
    auto backup = add_copy(*backup_command, "file", "the store", "to", "the backup");
    backup_command->callback(
        [backup, &run] { run = [backup] { return copy(*backup, back_up_store, "backed up to"); }; });

    CLI::App* restore_command =
        store->add_subcommand("restore", "Put a backup in the place of a store that no server uses");
    auto restore = add_copy(*restore_command, "backup", "the backup", "file", "the store");
    restore_command->footer(
        "Clients learn that what they know beyond the backup is gone. Do not copy a backup into place by hand: they "
        "would not.");
    restore_command->callback(
        [restore, &run] { run = [restore] { return copy(*restore, restore_store, "restored"); }; });
}

}  // namespace flare::cli
