// A chat in plain lines: for scripts, logs and tests.
#include "chat_view.hpp"
#include "list_text.hpp"
#include "output.hpp"

#include <cstdio>
#include <utility>

namespace flare::cli {
namespace {

class PlainChatView final : public ChatView {
public:
    explicit PlainChatView(std::string user) : user_(std::move(user)) {}
    void heard(const HeardLine& line) override {
        const bool direct = line.room.empty() || line.room == line.from;
        if (!line.quote.empty()) print("> " + printable(line.quote));
        print((line.names_user ? "@ " : "") + (direct ? "" : "[" + printable(line.room) + "] ") + printable(line.from) +
              ": " + printable(line.text) + printable(line.notes));
    }
    void sent(const SentLine& line) override {
        const std::string what = printable(user_) + " \u2192 " + printable(line.to) + ": " + printable(line.text);
        print(line.fault.empty() ? "\u2713 " + what : "\u2717 " + what + " (" + printable(line.fault) + ")");
    }
    void note(const std::string& text) override { print("* " + printable(text)); }
    void divider(const std::string& text) override { print("--- " + printable(text) + " ---"); }
    void listed(const std::vector<ListedConversation>& list) override {
        for (const std::string& line : list_lines(list, kColumns, std::chrono::system_clock::now())) print(line);
    }
    bool shows_all() const override { return true; }
    void show(const ChatBottom&) override {}

private:
    static constexpr std::size_t kColumns = 100;  // nobody knows how wide it is shown
    static void print(const std::string& line) {
        std::printf("%s\n", line.c_str());
        static_cast<void>(flush_output());
    }
    const std::string user_;
};

class JsonChatView final : public ChatView {
public:
    void heard(const HeardLine& line) override {
        boost::json::object object{{"event", "message"}, {"from", line.from}, {"type", line.type}, {"text", line.text}};
        if (!line.room.empty()) {
            object["conversation"] = line.room;
            object["offset"] = line.at.offset;
            object["epoch"] = std::to_string(line.at.epoch);
        }
        if (line.reply_to != 0) object["reply_to"] = line.reply_to;
        if (!line.mentions.empty()) object["mentions"] = boost::json::array(line.mentions.begin(), line.mentions.end());
        if (line.names_user) object["mentions_you"] = true;
        print_json(object);
    }
    void sent(const SentLine& line) override {
        boost::json::object object{{"event", line.fault.empty() ? "acknowledged" : "failed"},
                                   {"id", line.id},
                                   {"to", line.to},
                                   {"text", line.text}};
        if (!line.fault.empty()) {
            object["code"] = line.code;
            object["fault"] = line.fault;
        }
        print_json(object);
    }
    void note(const std::string& text) override { print_json({{"event", "note"}, {"text", text}}); }
    void divider(const std::string& text) override { print_json({{"event", "new"}, {"text", text}}); }
    void listed(const std::vector<ListedConversation>& list) override {
        for (const ListedConversation& each : list) print_json(listed_json(each));
    }
    bool shows_all() const override { return true; }
    void show(const ChatBottom&) override {}
};

}  // namespace

std::unique_ptr<ChatView> plain_chat_view(std::string user, bool json) {
    if (json) return std::make_unique<JsonChatView>();
    return std::make_unique<PlainChatView>(std::move(user));
}

}  // namespace flare::cli
