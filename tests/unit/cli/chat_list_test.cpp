// The conversations of a chat, and how they are listed.
#include "apps/flare/chat_list.hpp"
#include "apps/flare/line_editor.hpp"
#include "apps/flare/list_text.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <clocale>
#include <ctime>

namespace flare::cli::test {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;

const std::chrono::system_clock::time_point kNoon{std::chrono::seconds(1'790'000'000)};

Entry message_of(std::uint64_t offset, const std::string& from, const std::string& text) {
    Entry entry;
    entry.offset = offset;
    entry.kind = EntryKind::message;
    entry.from = from;
    entry.type = "chat";
    entry.payload = Bytes(text);
    return entry;
}

ListedConversation listed(const std::string& name, std::uint64_t unread, std::chrono::seconds ago,
                          const std::string& last = "hello") {
    ListedConversation made;
    made.about.name = name;
    made.about.head = {7, 1, 9, 9};
    made.mark = {2, unread, false};
    made.last_time = kNoon - ago;
    made.entries.push_back(message_of(9, "bob", last));
    return made;
}

std::vector<std::string> names(const std::vector<ListedConversation>& list) {
    std::vector<std::string> all;
    for (const auto& each : list) all.push_back(each.about.name);
    return all;
}

TEST(ChatList, SaysWhatIsUnreadElsewhereNewestFirst) {
    ChatList list;
    EXPECT_FALSE(list.known());
    EXPECT_EQ(list.status("bob"), "");
    list.complete({listed("bob", 2, 60s), listed("room:tea", 3, 30s), listed("eve", 0, 1s)});
    EXPECT_TRUE(list.known());
    EXPECT_EQ(list.status("server"), "5 unread: room:tea, bob");
    EXPECT_EQ(list.status("bob"), "3 unread: room:tea") << "what is open is read";
    EXPECT_EQ(list.newest_unread("server")->about.name, "room:tea");
    EXPECT_EQ(list.newest_unread("room:tea")->about.name, "bob");
    EXPECT_THAT(names(list.all()), ElementsAre("eve", "room:tea", "bob"));
    list.change({"joe", listed("joe", 1, 5s)});
    list.change({"room:soup", listed("room:soup", 1, 4s)});
    EXPECT_EQ(list.status("server"), "7 unread: room:soup, joe and 2 more");
    auto many = listed("joe", 1000, 5s);
    many.mark.more = true;
    list.change({"joe", many});
    EXPECT_EQ(list.status("server"), "1006+ unread: room:soup, joe and 2 more");
}

TEST(ChatList, ForgetsWhatTheUserIsNoMemberOf) {
    ChatList list;
    list.complete({listed("room:tea", 3, 30s)});
    list.change({"room:tea", std::nullopt});
    EXPECT_EQ(list.find("room:tea"), nullptr);
    EXPECT_EQ(list.status("server"), "");
    EXPECT_EQ(list.newest_unread("server"), nullptr);
    list.complete({});
    EXPECT_TRUE(list.known()) << "of nothing, too";
}

TEST(ChatList, FindsARoomWithoutItsPrefix) {
    ChatList list;
    list.complete({listed("room:tea", 0, 1s), listed("bob", 0, 1s), listed("room:bob", 0, 1s)});
    EXPECT_EQ(list.named("tea"), "room:tea");
    EXPECT_EQ(list.named("bob"), "bob") << "exactly that comes first";
    EXPECT_EQ(list.named("eve"), "eve");
}

TEST(NewLine, StandsBeforeTheFirstMessageThatIsNew) {
    auto joined = message_of(4, "eve", "");
    joined.kind = EntryKind::membership;
    auto silent = message_of(6, "bob", "psst");
    silent.silent = true;
    const std::vector<Entry> entries{message_of(3, "bob", "old"),  joined,
                                     message_of(5, "ann", "mine"), silent,
                                     message_of(7, "bob", "new"),  message_of(8, "eve", "too")};
    const auto line = new_line(entries, {3, 2, false}, "ann");
    ASSERT_TRUE(line);
    EXPECT_EQ(line->before, 4u) << "neither members, own messages nor silent ones are news";
    EXPECT_EQ(line->text, "2 new");
    EXPECT_EQ(new_line(entries, {3, 120, true}, "ann")->text, "120+ new, the last 2 of them");
    EXPECT_FALSE(new_line(entries, {3, 0, false}, "ann"));
    EXPECT_FALSE(new_line(entries, {8, 1, false}, "ann")) << "none of these";
    EXPECT_FALSE(new_line({}, {3, 2, false}, "ann"));
}

class ListLines : public testing::Test {
protected:
    ListLines() { std::setlocale(LC_CTYPE, "C.UTF-8"); }
};

TEST_F(ListLines, AreColumns) {
    auto tea = listed("room:tea", 12, 60s, "see you there");
    tea.about.config.title = "Tea";
    const auto lines = list_lines({tea, listed("bob", 0, 48h, "hi")}, 80, kNoon);
    ASSERT_EQ(lines.size(), 2u);
    const auto time = when_text(kNoon - 60s, kNoon);
    const auto date = when_text(kNoon - 48h, kNoon);
    EXPECT_EQ(time.size(), 5u);
    EXPECT_EQ(date.size(), 10u);
    EXPECT_EQ(lines[0], "room:tea (Tea)  12 new  " + time + "       bob: see you there");
    EXPECT_EQ(lines[1], "bob                     " + date + "  bob: hi");
}

TEST_F(ListLines, FitTheTerminal) {
    const std::string wide = "你好你好你好你好你好你好你好你好";
    for (const std::size_t columns : {20u, 30u, 40u, 60u}) {
        for (const std::string& line : list_lines({listed("room:tea", 3, 60s, wide)}, columns, kNoon))
            EXPECT_LE(columns_of(line), columns) << line;
    }
    EXPECT_EQ(list_lines({listed("room:tea", 3, 60s, wide)}, 20, kNoon)[0].find("bob"), std::string::npos);
}

TEST_F(ListLines, GiveNoTextOfOthersAnEffect) {
    const auto lines = list_lines({listed("room:\x1b[2J", 1, 60s, "\x1b[2J\n")}, 80, kNoon);
    EXPECT_EQ(lines[0].find('\x1b'), std::string::npos) << lines[0];
    EXPECT_EQ(lines[0].find('\n'), std::string::npos) << lines[0];
}

TEST(ListedJson, HasTheMarkAndTheNewestEntry) {
    const auto object = listed_json(listed("room:tea", 3, 60s));
    EXPECT_EQ(object.at("conversation").as_string(), "room:tea");
    EXPECT_EQ(object.at("unread").to_number<int>(), 3);
    EXPECT_EQ(object.at("read").to_number<int>(), 2);
    EXPECT_EQ(object.at("last").to_number<int>(), 9);
    EXPECT_EQ(object.at("epoch").as_string(), "7");
    EXPECT_EQ(object.at("newest").at("text").as_string(), "hello");
}

}  // namespace
}  // namespace flare::cli::test
