// flare listen: prints the messages of a user, and the entries of a room, as they come.
#include "base/utf8.hpp"
#include "client_options.hpp"
#include "commands.hpp"
#include "connecting.hpp"
#include "entry_text.hpp"
#include "feed_text.hpp"
#include "output.hpp"
#include "phrases.hpp"
#include "wire/base64.hpp"

#include <csignal>
#include <deque>
#include <utility>

namespace flare::cli {
namespace {

struct ListenOptions {
    std::uint64_t count = 0;  // 0: until Ctrl-C
    std::string room;         // empty: none
    std::string after;        // a position in its log; empty: what is written from now on
    bool all = false;         // the entries of all conversations
    bool events = false;
};

// `conversation`: empty where there is only one.
void print_message(const Message& message, const std::string& conversation, bool json) {
    if (!json) {
        const std::string where =
            conversation.empty() ? "" : coloured(Tone::dim, "[" + printable(conversation) + "]") + " ";
        std::printf("%s%s %s [%s] %s\n", where.c_str(), coloured(Tone::dim, clock_text(message.timestamp)).c_str(),
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

// `named`: entries of several conversations are printed.
void print_entry(const HeardEntry& heard, bool named, bool json) {
    if (json) {
        boost::json::object object = entry_json(heard.entry);
        object["conversation"] = heard.conversation;
        object["epoch"] = std::to_string(heard.epoch);
        return print_json(object);
    }
    const std::string where = named ? coloured(Tone::dim, "[" + printable(heard.conversation) + "]") + " " : "";
    std::printf("%s%s\n", where.c_str(), entry_line(heard.entry).c_str());
    static_cast<void>(flush_output());
}

void print_gap(const HistoryGap& gap, bool json) {
    if (!json) return print_problem("listen", to_string(Event(gap)));
    print_json({{"event", "gap"},
                {"conversation", gap.conversation},
                {"reason", std::string(name(gap.reason))},
                {"epoch", std::to_string(gap.epoch)},
                {"first", gap.first},
                {"last", gap.last}});
}

void print_left(const std::string& conversation, bool json) {
    if (!json) return print_problem("listen", "you are no longer a member of " + conversation);
    print_json({{"event", "left"}, {"conversation", conversation}});
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
        if (received == nullptr || received->stored) continue;  // what a log has can be read there
        if (count++ == 0) first = received->message.id.str() + " from '" + received->message.from + "'";
    }
    if (count == 0) return;
    print_problem("listen", std::to_string(count) + (count == 1 ? " message" : " messages") +
                                " not printed, the first with the id " + first);
}

// Prints what events tell, and counts messages. Of a room it remembers how far it has come.
class Listening {
public:
    Listening(const ClientOptions& common, const ListenOptions& options) : common_(common), options_(options) {}

    // The entries come as events.
    Checked<> begin(Client& client) {
        if (options_.room.empty()) return {};
        SubscribeOptions from;
        if (const auto after = position_of(options_.after)) from.with_after(*after);
        const auto begun = client.conversations().subscribe(room_of(options_.room), from);
        if (!begun) return begun.error();
        last_ = begun->after;
        return {};
    }
    void print(const Event& event) {
        if (const auto entry = entry_in(event)) {
            print_entry(*entry, options_.all, common_.json);
            last_ = {entry->epoch, entry->entry.offset};
            if (entry->entry.kind == EntryKind::message) ++heard_;
        } else if (const auto* received = std::get_if<event::MessageReceived>(&event)) {
            print_message(received->message, options_.all ? received->conversation : std::string(), common_.json);
            ++heard_;
        } else if (const auto* gap = std::get_if<event::HistoryGap>(&event)) {
            print_gap(*gap, common_.json);
        } else if (const auto* change = std::get_if<event::ConversationChanged>(&event); change && !change->now) {
            print_left(change->conversation, common_.json);
        } else if (options_.events) {
            print_event(event, common_.json);
        }
    }
    bool has_enough() const { return options_.count != 0 && heard_ >= options_.count; }
    // The result, and how to continue from here.
    void conclude() const {
        if (common_.json) {
            boost::json::object result{{"result", "done"}, {"messages", heard_}};
            if (!options_.room.empty()) result["after"] = position_text(last_);
            print_json(result);
        } else if (!options_.room.empty() && is_terminal(stderr)) {
            std::fprintf(stderr, "to continue from here: --after %s\n", position_text(last_).c_str());
        }
    }

private:
    const ClientOptions& common_;
    const ListenOptions& options_;
    std::uint64_t heard_ = 0;
    Position last_;
};

// Why it cannot go on.
std::optional<Failure> end_in(const Event& event, const Client& client) {
    if (const auto* none = std::get_if<event::CapabilityUnavailable>(&event); none && is_about_list(*none))
        return Failure(errc::not_supported, none->text);
    if (const auto* over = std::get_if<event::SubscriptionEnded>(&event)) return over->reason;
    return final_failure(event, client);
}

int run_listen(const ClientOptions& common, const ListenOptions& options) {
    auto builder = builder_of(common);
    if (!builder) return report_failure("listen", common, builder.error());
    Inbox inbox{SIGINT, SIGTERM};
    builder->with_event_callback(common.record_fault->watch(inbox.callback())).sync_conversations(options.all);
    auto client = builder->build();
    if (!client) return report_failure("listen", common, client.error());
    std::optional<Progress> progress(std::in_place, "connecting");
    const auto connected = connect_or_signal(*client, inbox);
    progress.reset();
    if (!connected) return kDone;
    if (!*connected) return report_failure("listen", common, connected->error());
    Listening listening(common, options);
    if (const auto begun = listening.begin(*client); !begun) return report_failure("listen", common, begun.error());
    bool announced = common.json;
    // What is written from here on is printed.
    const auto announce = [&] {
        if (std::exchange(announced, true)) return;
        std::fprintf(stderr, "listening as %s over %s; Ctrl-C exits\n", printable(user_of(common)).c_str(),
                     std::string(spoken(**connected)).c_str());
    };
    if (!options.all) announce();

    std::deque<Event> events;
    for (bool over = false; !over;) {
        if (inbox.wait().signal != 0) break;
        events = inbox.take();
        while (!events.empty() && !over) {
            const Event& event = events.front();
            if (std::holds_alternative<event::ConversationsSynced>(event)) announce();
            listening.print(event);
            if (!flush_output()) break;
            over = listening.has_enough();
            if (const auto failure = end_in(event, *client)) return report_failure("listen", common, *failure);
            events.pop_front();
        }
        over = over || !flush_output();
    }
    client->disconnect();
    tell_unprinted(inbox, std::move(events));
    listening.conclude();
    return kDone;
}

}  // namespace

void add_listen(CLI::App& app, Run& run) {
    CLI::App* command = app.add_subcommand("listen", "Print messages as they arrive; Ctrl-C exits");
    auto options = std::make_shared<ListenOptions>();
    command->add_option("--count", options->count, "exit after this many messages");
    auto* room = command->add_option("--room", options->room, "also print the entries of this room as they are written")
                     ->type_name("NAME");
    command->add_option("--after", options->after, "first print the entries of the room behind this position")
        ->needs(room)
        ->type_name("EPOCH:OFFSET")
        ->check([](const std::string& text) {
            return position_of(text) ? std::string() : "'" + text + "' is no EPOCH:OFFSET, as --json prints it";
        });
    command->add_flag("--all", options->all, "print the entries of all your conversations as they are written")
        ->excludes(room);
    command->add_flag("--events", options->events, "also print the other events of the connection");
    auto common = add_client_options(*command, Urls::positional);
    command->callback([common, options, &run] {
        run = [common, options] { return conclude("listen", *common, run_listen(*common, *options)); };
    });
}

}  // namespace flare::cli
