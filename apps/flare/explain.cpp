// flare explain: why a session is where it is, told from its flight record.
#include "admin_client.hpp"
#include "commands.hpp"
#include "flight/story.hpp"
#include "output.hpp"
#include "records.hpp"

#include <flare/uuid.hpp>

#include <boost/json/serialize.hpp>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <memory>
#include <sstream>
#include <vector>

namespace flare::cli {
namespace {

namespace json = boost::json;

constexpr std::size_t kMaxFileBytes = 64 * 1024 * 1024;
constexpr std::size_t kMostConversations = 10;  // in the summary; --json has all

struct Options {
    std::string session = "last";
    std::string admin;
    std::string conversation;  // empty: all
    std::string folder = record_folder();
    bool json = false;
};

int fail(const Failure& failure) {
    print_problem("explain", failure.text);
    switch (failure.code) {
        case errc::invalid_config: return kUsage;
        case errc::host_not_found:
        case errc::connection_refused:
        case errc::connect_timeout:
        case errc::connection_lost:
        case errc::not_supported: return kUnreachable;
        default: return kFailed;
    }
}

Checked<std::string> read_file(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    if (!file) return Failure(errc::file_unreadable, printable(path) + ": cannot be read");
    std::string text(kMaxFileBytes + 1, '\0');
    file.read(text.data(), static_cast<std::streamsize>(text.size()));
    text.resize(static_cast<std::size_t>(file.gcount()));
    if (text.size() > kMaxFileBytes)
        return Failure(errc::file_unreadable, printable(path) + ": is too large for a flight record");
    return text;
}

// Each record on a line of its own, as a file has it.
Checked<std::string> ask_server(const std::string& admin, const std::string& session) {
    if (!Uuid::parse(session))
        return Failure(errc::invalid_config,
                       "--admin: needs the complete session id, and '" + printable(session) + "' is not one");
    const auto answer = admin_json(admin, "/sessions/" + session);
    if (!answer) return answer.error();
    const json::object* object = answer->if_object();
    const json::value* record = object == nullptr ? nullptr : object->if_contains("record");
    if (record == nullptr || !record->is_array() || record->get_array().empty())
        return Failure(errc::session_unknown,
                       "the server at " + admin + " does not know this session, or has forgotten it");
    std::string lines;
    for (const json::value& each : record->get_array()) lines += json::serialize(each) + '\n';
    return lines;
}

std::string clock(double ms) {
    const auto whole = static_cast<long long>(std::llround(std::max(0.0, ms)));
    char text[48];
    if (whole >= 3'600'000) {
        std::snprintf(text, sizeof text, "%lld:%02lld:%02lld.%03lld", whole / 3'600'000, whole / 60'000 % 60,
                      whole / 1000 % 60, whole % 1000);
    } else {
        std::snprintf(text, sizeof text, "%02lld:%02lld.%03lld", whole / 60'000, whole / 1000 % 60, whole % 1000);
    }
    return text;
}

void print_line(const char* name, const std::string& text) { std::printf("  %-16s %s\n", name, text.c_str()); }

std::string whole_ms(double ms) {
    char text[48];
    std::snprintf(text, sizeof text, ms < 10 ? "%.1f ms" : "%.0f ms", ms);
    return text;
}

std::string text_of(const flight::Story::OfConversation& conversation) {
    std::string text = conversation.name + ": " + std::to_string(conversation.delivered) +
                       (conversation.delivered == 1 ? " entry" : " entries") + " delivered";
    if (conversation.last != 0) text += ", up to " + std::to_string(conversation.last);
    for (const auto& gap : conversation.gaps) {
        text += "; not " + std::to_string(gap.first) +
                (gap.last == gap.first ? "" : " to " + std::to_string(gap.last)) + " [" + gap.reason + "]";
    }
    if (!conversation.ended.empty()) text += "; ended [" + conversation.ended + "]";
    return printable(text);
}

// Those with which something happened come first.
void print_conversations(const flight::Story& story) {
    std::vector<const flight::Story::OfConversation*> shown;
    for (const auto& each : story.conversations) shown.push_back(&each);
    std::stable_sort(shown.begin(), shown.end(), [](const auto* a, const auto* b) {
        return (!a->gaps.empty() || !a->ended.empty()) > (!b->gaps.empty() || !b->ended.empty());
    });
    for (std::size_t i = 0; i < std::min(shown.size(), kMostConversations); ++i)
        print_line(i == 0 ? "Conversations" : "", text_of(*shown[i]));
    if (shown.size() > kMostConversations)
        print_line("", "and " + std::to_string(shown.size() - kMostConversations) + " more; --json prints all");
}

void print_summary(const flight::Story& story) {
    std::printf("\n%s\n", coloured(Tone::strong, "Summary").c_str());
    std::string used;
    for (const auto& [protocol, ms] : story.used_ms)
        used += (used.empty() ? "" : ", ") + printable(protocol) + " for " + clock(ms);
    print_line("Carried by", used.empty() ? "nothing" : used);
    print_line("Moves", story.moves.empty() ? "none" : std::to_string(story.moves.size()));
    for (const flight::Move& move : story.moves) {
        print_line("", clock(move.at_ms) + " " + (move.from.empty() ? "no connection" : printable(move.from)) + " to " +
                           printable(move.to) + ": " + printable(move.cause) +
                           (move.still_ms > 0 ? ", no data for " + whole_ms(move.still_ms) : ""));
    }
    if (story.still_ms > 0)
        print_line("Longest silence", whole_ms(story.still_ms) + ", until " + clock(story.still_at_ms));
    std::string connect;
    for (const auto& part : story.connect)
        connect += (connect.empty() ? "" : ", ") + printable(part.name) + " " + whole_ms(part.ms);
    if (!connect.empty()) print_line("Connect", connect);
    print_conversations(story);
    const bool good = story.cause == "none" || story.cause == "asked" || story.cause == "measured_better";
    print_line("Cause", coloured(good ? Tone::good : Tone::bad, printable(story.cause)) + ": " +
                            std::string(flight::explain_cause(story.cause)));
}

void print_story(const flight::Story& story) {
    std::string head = story.session.empty() ? "A connection attempt without a session" : "Session " + story.session;
    if (story.of_server) head += ", as the server saw it";
    if (!story.user.empty()) head += ", user " + story.user;
    if (!story.began.empty()) head += ", from " + story.began;
    std::printf("%s\n\n", coloured(Tone::strong, printable(head)).c_str());
    for (const flight::Sentence& sentence : story.sentences) {
        const Tone tone = sentence.mood == flight::Mood::good  ? Tone::good
                          : sentence.mood == flight::Mood::bad ? Tone::bad
                                                               : Tone::plain;
        std::printf("%s  %s\n", coloured(Tone::dim, clock(sentence.at_ms)).c_str(),
                    coloured(tone, printable(sentence.text)).c_str());
    }
    print_summary(story);
}

json::object object_of(const flight::Story& story) {
    json::array moves, connect, sentences, problems, conversations;
    for (const flight::Move& move : story.moves)
        moves.push_back({{"t_ms", move.at_ms},
                         {"from", move.from},
                         {"to", move.to},
                         {"cause", move.cause},
                         {"silence_ms", move.still_ms}});
    for (const auto& part : story.connect) connect.push_back({{"part", part.name}, {"ms", part.ms}});
    for (const auto& each : story.sentences) sentences.push_back({{"t_ms", each.at_ms}, {"text", each.text}});
    for (const auto& each : story.conversations) {
        json::array gaps;
        for (const auto& gap : each.gaps)
            gaps.push_back({{"first", gap.first}, {"last", gap.last}, {"reason", gap.reason}});
        json::object object{
            {"conversation", each.name}, {"delivered", each.delivered}, {"last", each.last}, {"gaps", gaps}};
        if (!each.ended.empty()) object["ended"] = each.ended;
        conversations.push_back(std::move(object));
    }
    for (const auto& each : story.problems) problems.emplace_back(each);
    json::object used;
    for (const auto& [protocol, ms] : story.used_ms) used[protocol] = ms;
    return {{"cause", story.cause},
            {"cause_text", flight::explain_cause(story.cause)},
            {"session", story.session},
            {"user", story.user},
            {"began", story.began},
            {"source", story.of_server ? "server" : "client"},
            {"lasted_ms", story.lasted_ms},
            {"protocol", story.protocol},
            {"used_ms", used},
            {"moves", moves},
            {"longest_silence_ms", story.still_ms},
            {"connect", connect},
            {"conversations", conversations},
            {"story", sentences},
            {"problems", problems}};
}

int explain(const Options& options) {
    Checked<std::string> text = Failure(errc::file_not_found, "");
    if (!options.admin.empty()) {
        text = ask_server(options.admin, options.session);
    } else if (const auto path = find_record(options.session, options.folder)) {
        text = read_file(*path);
    } else {
        return fail(path.error());
    }
    if (!text) return fail(text.error());
    flight::Story story = flight::tell(*text, options.conversation);
    if (story.of_server) story.session = options.session;
    for (const std::string& problem : story.problems) print_problem("explain", printable(problem));
    if (story.sentences.empty() && story.began.empty()) {
        print_problem("explain", "there is no flight record in this");
        return kFailed;
    }
    options.json ? print_json(object_of(story)) : print_story(story);
    return kDone;
}

}  // namespace

void add_explain(CLI::App& app, Run& run) {
    auto options = std::make_shared<Options>();
    CLI::App* command = app.add_subcommand("explain",
                                           "Explain which connections a session used, when and why it moved, and "
                                           "what of conversations it delivered");
    command->add_option("session", options->session, "session id or its beginning, a file, or 'last'")
        ->capture_default_str();
    command
        ->add_option("--conversation", options->conversation,
                     "of conversations, tell only about this one: room:NAME, or the other user's id")
        ->type_name("CONVERSATION");
    command->add_option("--folder", options->folder, "folder where clients write flight records")
        ->capture_default_str();
    command->add_option("--admin", options->admin,
                        "ask the server with this admin address, HOST:PORT, instead of reading a file");
    command->add_flag("--json", options->json, "print one JSON object");
    command->callback([options, &run] { run = [options] { return explain(*options); }; });
}

}  // namespace flare::cli
