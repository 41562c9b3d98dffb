// flare chat: talks to others, on a terminal or in plain lines.
#include "chat_controller.hpp"
#include "chat_screen.hpp"
#include "client_options.hpp"
#include "commands.hpp"
#include "connecting.hpp"
#include "output.hpp"
#include "terminal.hpp"

#include <sys/ioctl.h>
#include <unistd.h>

#include <array>
#include <clocale>
#include <csignal>
#include <cstdlib>

namespace flare::cli {
namespace {

constexpr std::chrono::milliseconds kRefreshEvery{1000};
// Of the calls about rooms, while which nothing can be typed. Messages are posted, and wait for as long as it takes.
constexpr std::chrono::seconds kLongestCall{10};
// At the end, to tell the server what has been read.
constexpr std::chrono::milliseconds kLongestFarewell{500};

struct ChatOptions {
    std::string peer{kServerTarget};
    bool no_typing = false;
};

// Bytes that wait on standard input; empty: its end.
std::string read_input() {
    std::array<char, 4096> block;
    const auto got = ::read(STDIN_FILENO, block.data(), block.size());
    return got > 0 ? std::string(block.data(), static_cast<std::size_t>(got)) : std::string();
}

// What ends a chat: the person, a signal, or the client.
enum class End : unsigned char { none, asked, input_over };

class TerminalChat {
public:
    TerminalChat(Client& client, Inbox& inbox, ChatMarks& marks, const std::string& user, const ChatOptions& options)
        : screen_(user, editor_),
          controller_(client, screen_, marks, user, options.peer, !options.no_typing),
          inbox_(inbox) {}

    void run() {
        using Clock = ChatController::Clock;
        screen_.note("/help lists the commands, Ctrl-D exits");
        controller_.refresh(Clock::now(), true);
        for (End end = End::none; end == End::none && !controller_.failure();) {
            const auto woken = inbox_.wait(kRefreshEvery, STDIN_FILENO);
            for (const Event& event : inbox_.take()) controller_.event(event, Clock::now());
            if (woken.signal == SIGWINCH) {
                screen_.redraw();
            } else if (woken.signal == SIGTSTP) {
                suspend();
            } else if (woken.signal != 0) {
                end = End::asked;
            }
            if (woken.input && end == End::none) end = input();
            controller_.refresh(Clock::now());
        }
        screen_.wipe();
    }
    const std::optional<Failure>& failure() const { return controller_.failure(); }

private:
    End input() {
        const auto now = ChatController::Clock::now();
        const std::string bytes = read_input();
        if (bytes.empty()) return End::asked;
        for (const auto& action : editor_.feed(bytes)) {
            switch (action.act) {
                case LineEditor::Act::line:
                    if (!controller_.line(action.line, now)) return End::asked;
                    break;
                case LineEditor::Act::end:
                case LineEditor::Act::interrupt: return End::asked;
                case LineEditor::Act::suspend: suspend(); break;
                case LineEditor::Act::typed: controller_.typing(editor_.text(), now); break;
                case LineEditor::Act::moved:
                case LineEditor::Act::redraw: break;
            }
        }
        screen_.redraw();
        return End::none;
    }
    void suspend() {
        screen_.wipe();
        terminal_.suspend();
        screen_.redraw();
    }

    RawTerminal terminal_;  // before the screen, which wipes itself while the
                            // terminal is still taken
    LineEditor editor_;
    ChatScreen screen_;
    ChatController controller_;
    Inbox& inbox_;
};

class PlainChat {
public:
    PlainChat(Client& client, Inbox& inbox, ChatMarks& marks, const std::string& user, const ChatOptions& options,
              bool json)
        : view_(plain_chat_view(user, json)),
          controller_(client, *view_, marks, user, options.peer, false),
          inbox_(inbox) {}

    // The end of the input waits for the outcome of what was sent.
    void run() {
        End end = End::none;
        while (end != End::asked && !controller_.failure()) {
            if (end == End::input_over && controller_.pending() == 0) return;
            const auto woken = inbox_.wait({}, end == End::none ? STDIN_FILENO : -1);
            for (const Event& event : inbox_.take()) controller_.event(event, ChatController::Clock::now());
            if (woken.signal != 0) end = End::asked;
            if (woken.input && end == End::none) end = input();
            if (!flush_output()) return;
        }
    }
    const std::optional<Failure>& failure() const { return controller_.failure(); }

private:
    End input() {
        const std::string bytes = read_input();
        if (bytes.empty() && !rest_.empty()) rest_ += '\n';  // a last line without an end
        rest_ += bytes;
        for (std::size_t at = rest_.find('\n'); at != rest_.npos; at = rest_.find('\n')) {
            std::string line = rest_.substr(0, at);
            rest_.erase(0, at + 1);
            if (line.ends_with('\r')) line.pop_back();
            if (!controller_.line(line, ChatController::Clock::now())) return End::asked;
        }
        return bytes.empty() ? End::input_over : End::none;
    }

    std::unique_ptr<ChatView> view_;
    ChatController controller_;
    Inbox& inbox_;
    std::string rest_;
};

template <typename Chat>
std::optional<Failure> talk(Chat&& chat) {
    chat.run();
    return chat.failure();
}

int run_chat(const ClientOptions& common, const ChatOptions& options) {
    auto builder = builder_of(common);
    if (!builder) return report_failure("chat", common, builder.error());
    const bool terminal = !common.json && is_terminal(stdin) && is_terminal(stdout);
    if (std::setlocale(LC_CTYPE, "") == nullptr || MB_CUR_MAX == 1) std::setlocale(LC_CTYPE, "C.UTF-8");
    Inbox inbox{SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGWINCH, SIGTSTP};
    builder->with_event_callback(common.record_fault->watch(inbox.callback()));
    builder->send_timeout(kLongestCall).sync_conversations(true);
    if (terminal)
        builder->max_reconnect_attempts(kUnlimited)
            .heartbeat_interval(std::chrono::seconds(5));  // a person decides when to give up
    auto client = builder->build();
    if (!client) return report_failure("chat", common, client.error());
    std::optional<Progress> progress(std::in_place, "connecting");
    const auto connected = connect_or_signal(*client, inbox);
    progress.reset();
    if (!connected) return kDone;
    if (!*connected) return report_failure("chat", common, connected->error());

    const std::string user = user_of(common);
    ChatMarks marks(*client);
    const auto failure = terminal ? talk(TerminalChat(*client, inbox, marks, user, options))
                                  : talk(PlainChat(*client, inbox, marks, user, options, common.json));
    if (!failure) marks.finish(kLongestFarewell);
    if (failure) return report_failure("chat", common, *failure);
    client->disconnect();
    if (common.json) print_json({{"result", "done"}});
    return kDone;
}

}  // namespace

void add_chat(CLI::App& app, Run& run) {
    CLI::App* command = app.add_subcommand("chat",
                                           "Chat with other users; on a terminal, with "
                                           "line editing and a status line");
    auto options = std::make_shared<ChatOptions>();
    command->add_option("--to", options->peer, "user to talk to first (default: server)");
    command->add_flag("--no-typing", options->no_typing, "do not send typing notices");
    auto common = add_client_options(*command, Urls::positional);
    command->callback([common, options, &run] {
        run = [common, options] { return conclude("chat", *common, run_chat(*common, *options)); };
    });
}

}  // namespace flare::cli
