// flare listen: prints the messages of a user as they come.
#include "base/utf8.hpp"
#include "client_options.hpp"
#include "commands.hpp"
#include "connecting.hpp"
#include "output.hpp"
#include "phrases.hpp"
#include "wire/base64.hpp"

#include <csignal>
#include <deque>

namespace flare::cli {
namespace {

struct ListenOptions {
    std::uint64_t count = 0;  // 0: until Ctrl-C
    bool events = false;
};

void print_message(const Message& message, bool json) {
    if (!json) {
        std::printf("%s %s [%s] %s\n", coloured(Tone::dim, clock_text(message.timestamp)).c_str(),
                    coloured(Tone::strong, printable(message.from)).c_str(), printable(message.type).c_str(),
                    payload_text(message.payload).c_str());
        static_cast<void>(flush_output());
        return;
    }
    const auto ms = [](std::chrono::system_clock::time_point time) {
        return std::chrono::duration_cast<std::chrono::milliseconds>(time.time_since_epoch()).count();
    };
    boost::json::object object{{"event", "message"},
                               {"id", message.id.str()},
                               {"from", message.from},
                               {"type", message.type},
                               {"timestamp_ms", ms(message.timestamp)}};
    if (message.server_time != std::chrono::system_clock::time_point{})
        object["server_time_ms"] = ms(message.server_time);
    if (base::is_utf8(message.payload.view())) {
        object["text"] = message.payload.str();
    } else {
        object["base64"] = wire::to_base64(message.payload.view());
    }
    print_json(object);
}

void print_event(const Event& event, bool json) {
    if (json) return print_json({{"event", std::string(name(event))}, {"text", to_string(event)}});
    std::printf("%s\n", coloured(Tone::dim, "* " + printable(to_string(event))).c_str());
    static_cast<void>(flush_output());
}

// The server counts a message as delivered once the client has it: what came and was not printed is told. `events` are
// those that the inbox has given out already.
void tell_unprinted(Inbox& inbox, std::deque<Event> events) {
    for (Event& late : inbox.take()) events.push_back(std::move(late));
    std::size_t count = 0;
    std::string first;
    for (const Event& event : events) {
        const auto* const received = std::get_if<event::MessageReceived>(&event);
        if (received != nullptr && count++ == 0)
            first = received->message.id.str() + " from '" + received->message.from + "'";
    }
    if (count == 0) return;
    print_problem("listen", std::to_string(count) + (count == 1 ? " message" : " messages") +
                                " not printed, the first with the id " + first);
}

int run_listen(const ClientOptions& common, const ListenOptions& options) {
    auto builder = builder_of(common);
    if (!builder) return report_failure("listen", common, builder.error());
    Inbox inbox{SIGINT, SIGTERM};
    builder->with_event_callback(common.record_fault->watch(inbox.callback()));
    auto client = builder->build();
    if (!client) return report_failure("listen", common, client.error());
    std::optional<Progress> progress(std::in_place, "connecting");
    const auto connected = connect_or_signal(*client, inbox);
    progress.reset();
    if (!connected) return kDone;
    if (!*connected) return report_failure("listen", common, connected->error());
    if (!common.json) {
        std::fprintf(stderr, "listening as %s over %s; Ctrl-C exits\n", printable(user_of(common)).c_str(),
                     std::string(spoken(**connected)).c_str());
    }

    std::uint64_t heard = 0;
    std::deque<Event> events;
    for (bool over = false; !over;) {
        if (inbox.wait().signal != 0) break;
        events = inbox.take();
        while (!events.empty() && !over) {
            const Event& event = events.front();
            if (const auto* const received = std::get_if<event::MessageReceived>(&event)) {
                print_message(received->message, common.json);
                if (!flush_output()) break;
                over = ++heard == options.count;
            } else if (options.events) {
                print_event(event, common.json);
            }
            if (const auto failure = final_failure(event, *client)) return report_failure("listen", common, *failure);
            events.pop_front();
        }
        over = over || !flush_output();
    }
    client->disconnect();
    tell_unprinted(inbox, std::move(events));
    if (common.json) print_json({{"result", "done"}, {"messages", heard}});
    return kDone;
}

}  // namespace

void add_listen(CLI::App& app, Run& run) {
    CLI::App* command = app.add_subcommand("listen", "Print messages as they arrive; Ctrl-C exits");
    auto options = std::make_shared<ListenOptions>();
    command->add_option("--count", options->count, "exit after this many messages");
    command->add_flag("--events", options->events, "also print the other events of the connection");
    auto common = add_client_options(*command, Urls::positional);
    command->callback([common, options, &run] {
        run = [common, options] { return conclude("listen", *common, run_listen(*common, *options)); };
    });
}

}  // namespace flare::cli
