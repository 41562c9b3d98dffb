// flare send: one message, and what became of it.
#include "client_options.hpp"
#include "commands.hpp"
#include "entry_text.hpp"
#include "output.hpp"
#include "phrases.hpp"

#include <cerrno>
#include <condition_variable>
#include <cstring>
#include <fstream>
#include <iostream>
#include <iterator>
#include <mutex>

namespace flare::cli {
namespace {

struct SendOptions {
    std::string target;
    std::string text;
    bool has_text = false;
    std::string file;
    std::string type = "text";
    bool reply = false;
    double reply_seconds = 5;
};

Checked<Bytes> payload_of(const SendOptions& options) {
    if (options.has_text) return Bytes(options.text);
    if (!options.file.empty()) {
        std::ifstream file(options.file, std::ios::binary);
        std::string content{std::istreambuf_iterator<char>(file), {}};
        if (!file.is_open() || file.bad()) {
            return Failure(errno == ENOENT ? errc::file_not_found : errc::file_unreadable,
                           "--binary " + options.file + ": " + std::strerror(errno));
        }
        return Bytes(content);
    }
    if (is_terminal(stdin)) std::fputs("Type the message, then press Ctrl-D at the beginning of a line.\n", stderr);
    std::string content{std::istreambuf_iterator<char>(std::cin), {}};
    if (content.ends_with('\n')) content.pop_back();
    return Bytes(content);
}

// The first message that comes from `target`.
class Reply {
public:
    explicit Reply(std::string target) : target_(std::move(target)) {}
    void operator()(const Event& event) {
        const auto* const received = std::get_if<event::MessageReceived>(&event);
        if (received == nullptr || received->message.from != target_) return;
        const std::lock_guard lock(mutex_);
        if (!message_) message_ = received->message;
        came_.notify_one();
    }
    std::optional<Message> wait(std::chrono::duration<double> limit) {
        std::unique_lock lock(mutex_);
        came_.wait_for(lock, limit, [this] { return message_.has_value(); });
        return message_;
    }

private:
    const std::string target_;
    std::mutex mutex_;
    std::condition_variable came_;
    std::optional<Message> message_;
};

int tell_refusal(const ClientOptions& common, const SendOptions& options, const SendResult& sent) {
    print_problem("send", "not delivered to " + printable(options.target) + ": " + printable(sent.error_message));
    if (common.json) {
        print_json({{"result", "failed"},
                    {"code", std::string(name(sent.error))},
                    {"text", sent.error_message},
                    {"id", sent.message_id.str()},
                    {"retry_after_ms", sent.retry_after.count()}});
    }
    return exit_code_of(sent.error);
}

// "acknowledged by bob", or where it is in the log.
std::string outcome_text(const SendOptions& options, const SendResult& sent) {
    const std::string target = printable(options.target);
    if (!sent.stored) return coloured(Tone::good, "acknowledged") + " by " + target;
    return coloured(Tone::good, "stored") + (options.target.starts_with("room:") ? " in " : " for ") + target +
           " at offset " + std::to_string(sent.stored->position.offset);
}

int run_send(const ClientOptions& common, const SendOptions& options) {
    auto builder = builder_of(common);
    if (!builder) return report_failure("send", common, builder.error());
    auto payload = payload_of(options);
    if (!payload) return report_failure("send", common, payload.error());
    Reply reply(options.target);
    builder->auto_reconnect(false).with_event_callback(common.record_fault->watch(std::ref(reply)));
    auto client = builder->build();
    if (!client) return report_failure("send", common, client.error());

    std::optional<Progress> progress(std::in_place, "connecting");
    const auto connected = client->connect();
    progress.reset();
    if (!connected) return report_failure("send", common, connected.error());
    progress.emplace("waiting for the receipt");
    const SendResult sent = client->send_message(options.target, Message(options.type, std::move(*payload)));
    progress.reset();
    if (!sent.success) return tell_refusal(common, options, sent);

    boost::json::object result{{"result", "acknowledged"},
                               {"id", sent.message_id.str()},
                               {"target", options.target},
                               {"protocol", std::string(name(*connected))},
                               {"latency_ms", milliseconds_of(sent.latency)},
                               {"connect_ms", milliseconds_of(client->get_connection_stats().connection_time)},
                               {"retries", sent.retry_count}};
    if (sent.stored) add_position(result, *sent.stored);
    if (!common.json) {
        std::printf("%s in %s over %s (id %s)\n", outcome_text(options, sent).c_str(), time_text(sent.latency).c_str(),
                    std::string(spoken(*connected)).c_str(), sent.message_id.str().c_str());
    }
    if (sent.partly != errc::ok) {
        result["partly"] = std::string(name(sent.partly));
        print_problem("send", printable(sent.error_message));
    }
    ExitCode code = kDone;
    if (options.reply) {
        progress.emplace("waiting for a reply");
        const auto answer = reply.wait(std::chrono::duration<double>(options.reply_seconds));
        progress.reset();
        if (!answer) {
            print_problem("send", "no reply within --reply-timeout");
            result["result"] = "no_reply";
            code = kFailed;
        } else if (common.json) {
            result["reply"] = {{"type", answer->type}, {"text", payload_text(answer->payload)}};
        } else {
            std::printf("%s: [%s] %s\n", printable(answer->from).c_str(), printable(answer->type).c_str(),
                        payload_text(answer->payload).c_str());
        }
    }
    if (common.json) print_json(result);
    client->disconnect();
    return code;
}

}  // namespace

void add_send(CLI::App& app, Run& run) {
    CLI::App* command = app.add_subcommand("send", "Send one message and report whether it was handled");
    auto options = std::make_shared<SendOptions>();
    SendOptions& o = *options;
    command->add_option("target", o.target, "user id, room:NAME, or 'server' for the server's message handler")
        ->required();
    auto* text = command->add_option("text", o.text, "the message (default: read from standard input)");
    command->add_option("--binary", o.file, "send the content of this file")->type_name("FILE")->excludes(text);
    command->add_option("--type", o.type, "type of the message (default: text)");
    command->add_flag("--reply", o.reply, "wait for one message from the target and print it");
    command->add_option("--reply-timeout", o.reply_seconds, "seconds to wait for the reply (default 5)")
        ->check(CLI::Range(0.05, 3600.0));
    auto common = add_client_options(*command, Urls::named);
    command->callback([common, options, text, &run] {
        options->has_text = text->count() != 0;
        run = [common, options] { return conclude("send", *common, run_send(*common, *options)); };
    });
}

}  // namespace flare::cli
