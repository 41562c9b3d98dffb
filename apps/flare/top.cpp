// flare top: what a running server does at the moment.
#include "admin_client.hpp"
#include "commands.hpp"
#include "output.hpp"

#include <chrono>
#include <cmath>
#include <memory>
#include <optional>
#include <thread>
#include <vector>

namespace flare::cli {
namespace {

namespace json = boost::json;
using Clock = std::chrono::steady_clock;

struct TopOptions {
    std::string admin = "127.0.0.1:4001";
    double interval = 1;
    std::uint64_t count = 0;  // 0: until it is interrupted
    bool json = false;
};

// What /stats said, and when.
struct Sample {
    json::object stats;
    double at = 0;  // of the server's life, seconds

    bool has(std::string_view key) const {
        const json::value* const value = stats.if_contains(key);
        return value != nullptr && value->is_number();
    }
    double number(std::string_view key) const { return number_of(stats, key); }
    static double number_of(const json::object& object, std::string_view key) {
        const json::value* value = object.if_contains(key);
        if (value == nullptr || !value->is_number()) return 0;
        return value->is_double() ? value->get_double() : value->to_number<double>();
    }
    const json::object& part(std::string_view key) const {
        static const json::object kNone;
        const json::value* value = stats.if_contains(key);
        return value != nullptr && value->is_object() ? value->get_object() : kNone;
    }
    std::vector<double> worker_cpu() const {
        std::vector<double> seconds;
        const json::value* workers = stats.if_contains("workers");
        if (workers == nullptr || !workers->is_array()) return seconds;
        for (const json::value& each : workers->get_array()) {
            if (!each.is_object()) continue;
            const auto index = static_cast<std::size_t>(std::min(1023.0, number_of(each.get_object(), "worker")));
            if (seconds.size() <= index) seconds.resize(index + 1);
            seconds[index] = number_of(each.get_object(), "cpu_seconds");
        }
        return seconds;
    }
};

// Between two samples. A server that was started again meanwhile begins at nothing.
struct Rates {
    const Sample& before;
    const Sample& now;
    double seconds() const { return std::max(0.001, now.at - before.at); }
    double of(std::string_view key) const { return std::max(0.0, now.number(key) - before.number(key)) / seconds(); }
    // Of a message's turn to its handler's end, in this interval.
    double handler_ms() const {
        const double runs = now.number("handler_runs") - before.number("handler_runs");
        return runs > 0 ? (now.number("handler_time_ms") - before.number("handler_time_ms")) / runs : 0;
    }
    // Of a part of what /stats says.
    double of(std::string_view part, std::string_view key) const {
        return std::max(0.0, Sample::number_of(now.part(part), key) - Sample::number_of(before.part(part), key)) /
               seconds();
    }
    // Messages and changes that the store did not take.
    double refused() const {
        const auto sum = [](const Sample& sample) {
            double all = 0;
            const json::value* const refused = sample.part("store").if_contains("refused");
            if (refused == nullptr || !refused->is_object()) return all;
            for (const auto& each : refused->get_object()) all += Sample::number_of(refused->get_object(), each.key());
            return all;
        };
        return std::max(0.0, sum(now) - sum(before)) / seconds();
    }
    std::vector<double> cpu_percent() const {
        const std::vector<double> was = before.worker_cpu();
        std::vector<double> percent = now.worker_cpu();
        for (std::size_t i = 0; i < percent.size(); ++i)
            percent[i] = std::max(0.0, percent[i] - (i < was.size() ? was[i] : 0)) / seconds() * 100;
        return percent;
    }
    json::object errors() const {
        json::object rates;
        for (const auto& each : now.part("errors")) {
            const double rate = (Sample::number_of(now.part("errors"), each.key()) -
                                 Sample::number_of(before.part("errors"), each.key())) /
                                seconds();
            if (rate > 0) rates[each.key()] = std::round(rate * 100) / 100;
        }
        return rates;
    }
};

std::string text_of(double number, const char* unit = "") {
    static constexpr const char* kScales[] = {"", "k", "M", "G", "T"};
    int scale = 0;
    for (; number >= 10'000 && scale < 4; ++scale) number /= 1000;
    char text[64];
    std::snprintf(text, sizeof text, number < 10 && number != std::floor(number) ? "%.1f %s%s" : "%.0f %s%s", number,
                  kScales[scale], unit);
    std::string made = text;
    while (!made.empty() && made.back() == ' ') made.pop_back();
    return made;
}

std::string connections_of(const Sample& sample) {
    std::string text;
    for (const auto& each : sample.part("connections"))
        text += (text.empty() ? "" : ", ") + printable(each.key()) + " " +
                text_of(Sample::number_of(sample.part("connections"), each.key()));
    return text.empty() ? "none" : text;
}

std::string errors_of(const Rates& rates) {
    std::string text;
    const json::object errors = rates.errors();
    for (const auto& each : errors)
        text += (text.empty() ? "" : ", ") + printable(each.key()) + " " +
                text_of(Sample::number_of(errors, each.key())) + "/s";
    return text.empty() ? "none" : text;
}

// Empty: the server has no store.
std::string store_of(const Rates& rates) {
    const json::object& now = rates.now.part("store");
    if (now.empty()) return {};
    std::string text = text_of(rates.of("store", "appends")) + "/s stored, " + text_of(rates.of("store", "commits")) +
                       " commits/s, p50 " + text_of(Sample::number_of(now, "commit_p50_ms"), "ms") + ", p99 " +
                       text_of(Sample::number_of(now, "commit_p99_ms"), "ms") + ", " +
                       text_of(Sample::number_of(now, "waiting_writes")) + " waiting, " +
                       text_of(Sample::number_of(now, "bytes"), "B");
    const json::value* const state = now.if_contains("state");
    if (state != nullptr && state->is_string() && state->get_string() != "ok")
        text += ", " + coloured(Tone::bad, printable(state->get_string()));
    return text;
}

// Empty: the server has no store. A feed that takes what is told at once needs no pages: those are for who is behind.
std::string feeds_of(const Rates& rates) {
    if (rates.now.part("store").empty()) return {};
    const double current = Sample::number_of(rates.now.part("feeds"), "current");
    std::string text = text_of(current) + (current == 1 ? " feed, " : " feeds, ") +
                       text_of(rates.of("feeds", "frames")) + " frames/s, " + text_of(rates.of("feeds", "pages")) +
                       " pages/s for those behind";
    const double refused = rates.refused();
    if (refused > 0) text += ", " + coloured(Tone::warning, text_of(refused) + "/s refused");
    return text;
}

// "orders 12/s; audit paused, 3600 s behind". Empty: the server has no hooks.
std::string hooks_of(const Rates& rates) {
    std::string text;
    for (const auto& each : rates.now.part("hooks")) {
        if (!each.value().is_object()) continue;
        const json::object& hook = each.value().get_object();
        const json::value* const before = rates.before.part("hooks").if_contains(each.key());
        const json::object none;
        const json::object& was = before != nullptr && before->is_object() ? before->get_object() : none;
        const double taken = Sample::number_of(hook, "delivered") - Sample::number_of(was, "delivered");
        text += (text.empty() ? "" : "; ") + printable(each.key()) + " " +
                text_of(std::max(0.0, taken) / rates.seconds()) + "/s";
        const json::value* const state = hook.if_contains("state");
        if (state != nullptr && state->is_string() && state->get_string() != "running")
            text += ", " + coloured(Tone::bad, printable(state->get_string()));
        const double behind = Sample::number_of(hook, "behind_ms");
        if (behind >= 1000) text += ", " + text_of(std::floor(behind / 1000), "s") + " behind";
    }
    return text;
}

std::string cpu_of(const Rates& rates) {
    std::string text;
    for (const double percent : rates.cpu_percent())
        text += (text.empty() ? "" : ", ") + text_of(std::round(percent)) + " %";
    return text.empty() ? "not known" : text;
}

std::vector<std::string> block(const TopOptions& options, const Rates& rates) {
    const Sample& now = rates.now;
    const auto line = [](const char* name, const std::string& text) {
        char begin[32];
        std::snprintf(begin, sizeof begin, "  %-13s ", name);
        return begin + text;
    };
    std::vector<std::string> lines = {
        coloured(Tone::strong, "flare top  " + options.admin + "  up " + text_of(std::floor(now.at), "s")),
        line("connections", connections_of(now)),
        line("sessions", text_of(now.number("sessions_attached")) + " attached, " +
                             text_of(now.number("sessions_detached")) + " away"),
        line("messages", text_of(rates.of("messages_received")) + "/s in, " + text_of(rates.of("messages_sent")) +
                             "/s out, " + text_of(rates.of("messages_refused")) + "/s refused"),
        line("bytes",
             text_of(rates.of("bytes_received"), "B/s") + " in, " + text_of(rates.of("bytes_sent"), "B/s") + " out"),
        line("connects", text_of(rates.of("connections_accepted")) + "/s, " + text_of(rates.of("sessions_created")) +
                             "/s new sessions, " + text_of(rates.of("sessions_resumed")) + "/s resumed"),
        line("handlers", text_of(rates.of("handler_runs")) + "/s, mean " + text_of(rates.handler_ms(), "ms")),
        line("errors", errors_of(rates)),
        line("worker CPU", cpu_of(rates)),
        line("memory", text_of(now.number("memory_bytes"), "B") + " of sessions"),
    };
    if (const std::string store = store_of(rates); !store.empty()) {
        lines.push_back(line("store", store));
        lines.push_back(line("conversations", feeds_of(rates)));
    }
    if (const std::string hooks = hooks_of(rates); !hooks.empty()) lines.push_back(line("hooks", hooks));
    return lines;
}

std::string one_line(const Rates& rates) {
    return "connections: " + connections_of(rates.now) + "; sessions: " + text_of(rates.now.number("sessions")) +
           "; messages: " + text_of(rates.of("messages_received")) + "/s in, " + text_of(rates.of("messages_sent")) +
           "/s out; bytes: " + text_of(rates.of("bytes_received"), "B/s") + " in, " +
           text_of(rates.of("bytes_sent"), "B/s") + " out; handlers: " + text_of(rates.handler_ms(), "ms") +
           (store_of(rates).empty() ? "" : "; store: " + store_of(rates) + "; conversations: " + feeds_of(rates)) +
           (hooks_of(rates).empty() ? "" : "; hooks: " + hooks_of(rates)) + "; CPU: " + cpu_of(rates) +
           "; memory: " + text_of(rates.now.number("memory_bytes"), "B") + "; errors: " + errors_of(rates);
}

json::object object_of(const Rates& rates) {
    json::object object{{"seconds", rates.seconds()}};
    for (const char* key :
         {"connections", "sessions", "sessions_attached", "sessions_detached", "memory_bytes", "up_ms"}) {
        if (const json::value* value = rates.now.stats.if_contains(key)) object[key] = *value;
    }
    for (const char* key : {"messages_received", "messages_sent", "messages_refused", "bytes_received", "bytes_sent",
                            "connections_accepted", "sessions_created", "sessions_resumed"})
        object[std::string(key) + "_per_second"] = rates.of(key);
    object["handler_ms"] = rates.handler_ms();
    object["errors_per_second"] = rates.errors();
    json::array cpu;
    for (const double percent : rates.cpu_percent()) cpu.emplace_back(percent);
    object["worker_cpu_percent"] = cpu;
    if (const json::object& store = rates.now.part("store"); !store.empty()) {
        object["store"] = store;
        object["store_appends_per_second"] = rates.of("store", "appends");
        object["store_commits_per_second"] = rates.of("store", "commits");
        object["feeds"] = rates.now.part("feeds");
        object["feed_frames_per_second"] = rates.of("feeds", "frames");
        object["feed_pages_per_second"] = rates.of("feeds", "pages");
    }
    if (const json::object& hooks = rates.now.part("hooks"); !hooks.empty()) object["hooks"] = hooks;
    return object;
}

void show(const TopOptions& options, const Rates& rates, std::size_t& drawn) {
    if (options.json) return print_json(object_of(rates));
    if (!is_terminal(stdout)) {
        std::printf("%s\n", one_line(rates).c_str());
        static_cast<void>(flush_output());
        return;
    }
    if (drawn != 0) std::printf("\x1b[%zuA", drawn);
    const auto lines = block(options, rates);
    for (const std::string& line : lines) std::printf("%s\x1b[K\n", line.c_str());
    static_cast<void>(flush_output());
    drawn = lines.size();
}

int top(const TopOptions& options) {
    std::optional<Sample> before;
    std::size_t drawn = 0;
    auto next = Clock::now();
    for (std::uint64_t shown = 0; options.count == 0 || shown < options.count;) {
        auto answer = admin_json(options.admin, "/stats");
        if (!answer) {
            print_problem("top", answer.error().text);
            return answer.error().code == errc::invalid_config ? kUsage : kUnreachable;
        }
        Sample now{std::move(answer->as_object()), 0};
        if (!now.has("up_ms")) {
            print_problem("top", "the server at " + options.admin +
                                     " does not answer like a Flare server: is it another program's address?");
            return kUnreachable;
        }
        now.at = now.number("up_ms") / 1000;
        if (before && now.at < before->at) before.reset();  // another process
        if (before) {
            show(options, {*before, now}, drawn);
            ++shown;
            if (!flush_output()) return kFailed;
        }
        before = std::move(now);
        if (options.count != 0 && shown == options.count) break;
        next += std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(options.interval));
        next = std::max(next, Clock::now());
        std::this_thread::sleep_until(next);
    }
    return kDone;
}

}  // namespace

void add_top(CLI::App& app, Run& run) {
    auto options = std::make_shared<TopOptions>();
    CLI::App* command =
        app.add_subcommand("top", "Show live figures of a running server: connections, rates, errors, load");
    command->add_option("--admin", options->admin, "the server's admin address, HOST:PORT")->capture_default_str();
    command->add_option("--interval", options->interval, "seconds between updates")
        ->capture_default_str()
        ->check(CLI::Range(0.1, 3600.0));
    command->add_option("--count", options->count, "exit after this many updates; 0: run until interrupted")
        ->capture_default_str();
    command->add_flag("--json", options->json, "print one JSON object per interval");
    command->callback([options, &run] { run = [options] { return top(*options); }; });
}

}  // namespace flare::cli
