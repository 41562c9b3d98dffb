// flare list: the conversations of a user, and what is unread in them.
#include "client_options.hpp"
#include "commands.hpp"
#include "connecting.hpp"
#include "line_editor.hpp"
#include "list_text.hpp"
#include "output.hpp"
#include "terminal.hpp"

#include <algorithm>
#include <chrono>
#include <clocale>
#include <csignal>
#include <cstdlib>

namespace flare::cli {
namespace {

using Clock = std::chrono::steady_clock;
// The client asks for the list behind its connect.
constexpr std::chrono::seconds kPatience{30};
constexpr std::size_t kColumnsOfNoTerminal = 200;

struct ListOptions {
    bool unread = false;
};

// Errors: what the server said, or that nothing came.
Checked<std::vector<ListedConversation>> await_list(Client& client, Inbox& inbox) {
    for (const auto end = Clock::now() + kPatience; Clock::now() < end;) {
        const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(end - Clock::now());
        if (inbox.wait(left).signal != 0) return Failure(errc::cancelled, "interrupted");
        for (const Event& event : inbox.take()) {
            if (std::holds_alternative<event::ConversationsSynced>(event)) return client.conversations().list();
            if (const auto* none = std::get_if<event::CapabilityUnavailable>(&event); none && is_about_list(*none))
                return Failure(errc::not_supported, none->text);
            if (const auto failure = final_failure(event, client)) return *failure;
        }
    }
    return Failure(errc::connection_lost, "the server did not send the list within " +
                                              std::to_string(kPatience.count()) + " s; `flare doctor` finds out why");
}

int print(const std::vector<ListedConversation>& list, bool json) {
    std::uint64_t unread = 0;
    for (const ListedConversation& each : list) unread += each.mark.unread;
    if (json) {
        for (const ListedConversation& each : list) print_json(listed_json(each));
        print_json({{"result", "done"}, {"conversations", list.size()}, {"unread", unread}});
        return kDone;
    }
    const std::size_t columns = is_terminal(stdout) ? RawTerminal::columns() : kColumnsOfNoTerminal;
    for (const std::string& line : list_lines(list, columns, std::chrono::system_clock::now()))
        std::printf("%s\n", line.c_str());
    return kDone;
}

int run_list(const ClientOptions& common, const ListOptions& options) {
    auto builder = builder_of(common);
    if (!builder) return report_failure("list", common, builder.error());
    if (std::setlocale(LC_CTYPE, "") == nullptr || MB_CUR_MAX == 1) std::setlocale(LC_CTYPE, "C.UTF-8");
    Inbox inbox{SIGINT, SIGTERM};
    builder->with_event_callback(common.record_fault->watch(inbox.callback())).sync_conversations(true);
    builder->auto_reconnect(false);
    auto client = builder->build();
    if (!client) return report_failure("list", common, client.error());
    std::optional<Progress> progress(std::in_place, "connecting");
    const auto connected = connect_or_signal(*client, inbox);
    if (!connected) return kDone;
    if (!*connected) {
        progress.reset();
        return report_failure("list", common, connected->error());
    }
    auto list = await_list(*client, inbox);
    progress.reset();
    if (!list) return report_failure("list", common, list.error());
    if (options.unread) std::erase_if(*list, [](const auto& each) { return each.mark.unread == 0; });
    const int code = print(*list, common.json);
    client->disconnect();
    return code;
}

}  // namespace

void add_list(CLI::App& app, Run& run) {
    CLI::App* command = app.add_subcommand("list", "List your conversations, the newest first, with unread messages");
    auto options = std::make_shared<ListOptions>();
    command->add_flag("--unread", options->unread, "only those with unread messages");
    auto common = add_client_options(*command, Urls::positional);
    command->callback([common, options, &run] {
        run = [common, options] { return conclude("list", *common, run_list(*common, *options)); };
    });
}

}  // namespace flare::cli
