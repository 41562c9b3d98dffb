// The file of a cache: what it keeps, and whatever is found in its place.
#include "unit/client/cache_files.hpp"

#include "model/entry.hpp"
#include "wire/about.hpp"

#include <filesystem>
#include <optional>

#include <sys/stat.h>

namespace flare::client::test {
namespace {

namespace fs = std::filesystem;

TEST_F(CacheFiles, IsThereAgainWithAllThatWasWritten) {
    ASSERT_EQ(open(), errc::ok) << said;
    EXPECT_TRUE(opened->contents.outbox.empty());
    EXPECT_TRUE(opened->contents.told.empty());
    const std::string device = opened->contents.device;
    EXPECT_EQ(device.size(), 36u);
    auto changes = told("room:tea", 1, 3);
    changes.posted = {kept_message(1), kept_message(2)};
    changes.sent[kept_id(2)] = 1'700'000'000'000;
    write(changes);
    CacheChanges sent;
    sent.sent[kept_id(1)] = 1'700'000'000'001;
    write(sent);

    ASSERT_EQ(open(), errc::ok) << said;
    const CacheContents& found = opened->contents;
    EXPECT_EQ(found.device, device) << "messages are known again by user, device and id";
    ASSERT_EQ(ids(found.outbox), "1 2");
    EXPECT_EQ(found.outbox[0].first_sent_ms, 1'700'000'000'001);
    EXPECT_EQ(found.outbox[1].first_sent_ms, 1'700'000'000'000);
    EXPECT_EQ(found.outbox[0].priority, Priority::high);
    EXPECT_EQ(wire::decode_message(found.outbox[0].message.view())->payload, "hello");
    ASSERT_EQ(found.told.size(), 1u);
    EXPECT_EQ(found.told.at("room:tea"), (ToldUpto{{7, 3}, kept_id(3)}));
    const auto page = opened->file->history("room:tea", {});
    ASSERT_TRUE(page);
    ASSERT_EQ(offsets(*page), "1 2 3");
    EXPECT_EQ(page->head.epoch, 7u);
    EXPECT_EQ(page->head.last, 3u);
    EXPECT_EQ(page->entries[1].from, "bob");
    EXPECT_EQ(page->entries[1].id, kept_id(2));
    EXPECT_EQ(page->entries[1].payload.str(), "hello");
    EXPECT_EQ(page->entries[1].time, kept_entry(2).time);
}

TEST_F(CacheFiles, HasTheListAndHowFarItGoes) {
    ASSERT_EQ(open(), errc::ok) << said;
    EXPECT_EQ(opened->contents.cursor, "");
    auto changes = told("room:tea", 1, 3);
    changes.conversations["room:tea"].listed = "tea";
    changes.conversations["bob"].listed = "with bob";
    changes.conversations["room:soup"].listed = "soup";
    changes.cursor = "here";
    write(changes);
    CacheChanges later;
    later.conversations["room:soup"].listed = "";
    later.conversations["room:tea"].listed = "tea, again";
    write(later);
    write(told("bob", 1, 1));
    ASSERT_EQ(open(), errc::ok) << said;
    EXPECT_EQ(opened->contents.list, (std::vector<std::string>{"with bob", "tea, again"}));
    EXPECT_EQ(opened->contents.cursor, "here");
    EXPECT_EQ(history(), "1 2 3");
}

TEST_F(CacheFiles, IsForItsUserAlone) {
    fill();
    struct stat found {};
    ASSERT_EQ(::stat(path.c_str(), &found), 0);
    EXPECT_EQ(found.st_mode & 0777u, 0600u);
    EXPECT_EQ(open("bob"), errc::cache_of_another_user);
    EXPECT_NE(said.find(path), std::string::npos) << said;
    EXPECT_EQ(open(), errc::ok) << "and it is as it was";
    EXPECT_EQ(history(), "1 2 3");
    opened.reset();
    fs::permissions(path, fs::perms(0644));
    EXPECT_EQ(open(), errc::permission_denied);
}

TEST_F(CacheFiles, LeavesNothingBesideItselfButItsLock) {
    fill();
    std::vector<std::string> names;
    for (const auto& each : fs::directory_iterator(folder.path(""))) names.push_back(each.path().filename());
    std::sort(names.begin(), names.end());
    EXPECT_EQ(names, (std::vector<std::string>{"alice.cache", "alice.cache.lock"}));
}

TEST_F(CacheFiles, HasOneClientAtATime) {
    ASSERT_EQ(open(), errc::ok);
    const auto second = CacheFile::open(path, "alice");
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().code, errc::cache_in_use);
    EXPECT_NE(second.error().text.find(std::to_string(::getpid())), std::string::npos) << second.error().text;
    opened.reset();
    EXPECT_EQ(open(), errc::ok);
}

// ---- history ----

TEST_F(CacheFiles, ShowsEntriesThatAreNextToEachOtherOnly) {
    ASSERT_EQ(open(), errc::ok);
    EXPECT_EQ(history(), "not_connected");
    write(told("room:tea", 1, 4));
    write(told("room:tea", 8, 9));
    EXPECT_EQ(history(), "8 9 ...");
    EXPECT_EQ(history(HistoryQuery::before(9)), "8 ...");
    EXPECT_EQ(history(HistoryQuery::before(8)), "not_connected") << "what is before 8 is missing";
    EXPECT_EQ(history(HistoryQuery::before(5)), "1 2 3 4");
    EXPECT_EQ(history(HistoryQuery::before(5, 2)), "3 4 ...");
    EXPECT_EQ(history(HistoryQuery::before(1)), "");
    EXPECT_EQ(history(HistoryQuery::after(0)), "1 2 3 4 ...");
    EXPECT_EQ(history(HistoryQuery::after(2, 1)), "3 ...");
    EXPECT_EQ(history(HistoryQuery::after(4)), "not_connected");
    EXPECT_EQ(history(HistoryQuery::after(8)), "9");
    EXPECT_EQ(history(HistoryQuery::after(9)), "");
    EXPECT_EQ(history({}, "room:soup"), "not_connected");
    // The hole is filled.
    CacheChanges page;
    page.conversations["room:tea"].head = LogHead{7, 1, 12, 12};
    for (std::uint64_t offset = 5; offset <= 7; ++offset)
        page.conversations["room:tea"].entries.emplace_back(7, kept_entry(offset));
    write(page);
    EXPECT_EQ(history(), "1 2 3 4 5 6 7 8 9");
    EXPECT_EQ(history(HistoryQuery::after(0)), "1 2 3 4 5 6 7 8 9 ...") << "the log goes on to 12";
    EXPECT_EQ(history(HistoryQuery::after(9)), "not_connected");
}

TEST_F(CacheFiles, APageHasNoMoreBytesThanWasAskedForButOneEntry) {
    ASSERT_EQ(open(), errc::ok);
    write(told("room:tea", 1, 4, 7, std::string(1000, 'x')));
    HistoryQuery query;
    query.max_bytes = 2500;
    EXPECT_EQ(history(query), "3 4 ...");
    query.max_bytes = 10;
    EXPECT_EQ(history(query), "4 ...");
}

TEST_F(CacheFiles, KeepsTheNewestThousandEntriesOfAConversation) {
    ASSERT_EQ(open(), errc::ok);
    write(told("room:tea", 1, CacheTables::kMostEntries));
    EXPECT_EQ(history(HistoryQuery::after(0, 2)), "1 2 ...");
    write(told("room:soup", 1, 1));
    write(told("room:tea", CacheTables::kMostEntries + 1, CacheTables::kMostEntries + 3));
    EXPECT_EQ(history(HistoryQuery::after(0)), "not_connected");
    EXPECT_EQ(history(HistoryQuery::after(2)), "not_connected");
    EXPECT_EQ(history(HistoryQuery::after(3, 2)), "4 5 ...");
    EXPECT_EQ(history({}, "room:soup"), "1");
    ASSERT_EQ(open(), errc::ok);
    write(told("room:tea", CacheTables::kMostEntries + 4, CacheTables::kMostEntries + 4));
    EXPECT_EQ(history(HistoryQuery::after(3)), "not_connected") << "it is counted after a start, too";
    EXPECT_EQ(history(HistoryQuery::after(4, 1)), "5 ...");
}

TEST_F(CacheFiles, KeepsFourMebibytesOfAConversation) {
    ASSERT_EQ(open(), errc::ok);
    const std::string text(900'000, 'x');
    write(told("room:tea", 1, 4, 7, text));
    EXPECT_EQ(history(HistoryQuery::after(0, 1)), "1 ...");
    write(told("room:tea", 5, 5, 7, text));
    EXPECT_EQ(history(HistoryQuery::after(0, 1)), "not_connected");
    EXPECT_EQ(history(HistoryQuery::after(1, 1)), "2 ...");
    write(told("room:tea", 6, 6, 7, std::string(CacheTables::kMostBytes + 1, 'x')));
    EXPECT_EQ(history(HistoryQuery::after(5)), "6") << "the newest one stays";
    EXPECT_EQ(history(HistoryQuery::after(4)), "not_connected");
}

TEST_F(CacheFiles, ShowsThePresentEpochOnly) {
    ASSERT_EQ(open(), errc::ok);
    write(told("room:tea", 1, 9));
    CacheChanges restored = told("room:tea", 4, 5, 8);  // the log was restored as it was before 4 was written
    restored.conversations["room:tea"].epoch = 8;
    write(restored);
    EXPECT_EQ(history(), "4 5 ...");
    EXPECT_EQ(history(HistoryQuery::after(5)), "");
    EXPECT_EQ(history(HistoryQuery::before(4)), "not_connected");
    // What comes late of the log before does not bring it back.
    write(told("room:tea", 10, 10, 7));
    EXPECT_EQ(history(), "4 5 ...");
}

TEST_F(CacheFiles, ForgetsEntriesOfALogThatHasDiverged) {
    ASSERT_EQ(open(), errc::ok);
    write(told("room:tea", 1, 9));
    write(told("room:soup", 1, 2));
    CacheChanges diverged = told("room:tea", 4, 4);
    diverged.conversations["room:tea"].diverged = true;
    diverged.conversations["room:tea"].epoch = 7;
    write(diverged);
    EXPECT_EQ(history(), "4 ...");
    EXPECT_EQ(history(HistoryQuery::after(4)), "") << "5 to 9 are of another log";
    EXPECT_EQ(history({}, "room:soup"), "1 2");
}

TEST_F(CacheFiles, KeepsNothingOfWhatIsCleared) {
    ASSERT_EQ(open(), errc::ok) << said;
    write(told("room:tea", 1, 8));
    CacheChanges edited;
    Entry edit = kept_entry(9);
    edit.kind = EntryKind::edit;
    edit.ref = 3;
    edited.conversations["room:tea"].entries.emplace_back(7, edit);
    write(edited);
    CacheChanges cleared;
    cleared.conversations["room:tea"].cleared = Position{7, 5};
    write(cleared);
    write(told("room:tea", 4, 6));  // of a page that was asked for before
    ASSERT_EQ(open(), errc::ok) << said;
    EXPECT_EQ(history(), "6 7 8 9");
    const auto page = opened->file->history("room:tea", {});
    ASSERT_TRUE(page);
    EXPECT_EQ(page->entries.back().payload.str(), "") << "it would say what is cleared";
    EXPECT_EQ(offsets(*opened->file->history("room:tea", HistoryQuery::before(6))), "") << "here it begins";
    cleared.conversations["room:tea"].cleared = Position{7, 9};
    write(cleared);
    EXPECT_EQ(history(), "");
    cleared.conversations["room:tea"].cleared = Position{8, 100};
    write(cleared);
    write(told("room:tea", 10, 11));
    EXPECT_EQ(history(), "10 11") << "another epoch is another log";
}

TEST_F(CacheFiles, TakesNoOffsetsThatNoLogHas) {
    ASSERT_EQ(open(), errc::ok);
    write(told("room:tea", 1, 2));
    CacheChanges far;
    for (const std::uint64_t offset : {std::uint64_t{0}, std::uint64_t{INT64_MAX}, UINT64_MAX})
        far.conversations["room:tea"].entries.emplace_back(7, kept_entry(offset));
    write(far);
    EXPECT_EQ(history(), "1 2");
    EXPECT_EQ(history(HistoryQuery::before(UINT64_MAX)), "not_connected");
    EXPECT_EQ(history(HistoryQuery::after(UINT64_MAX)), "");
}

// ---- the outbox ----

TEST_F(CacheFiles, AMessageThatIsInALogIsAnEntry) {
    ASSERT_EQ(open(), errc::ok);
    auto changes = told("room:tea", 1, 2);
    changes.posted = {kept_message(1, "room:tea", "mine"), kept_message(2, "room:tea"), kept_message(3, "room:tea")};
    write(changes);
    CacheChanges settled;
    settled.settled[kept_id(1)] = {"room:tea", StoredAt{{7, 3}, std::chrono::system_clock::time_point{}}};
    settled.settled[kept_id(3)] = {"room:tea", std::nullopt};  // it has failed
    write(settled);
    ASSERT_EQ(history(), "1 2 3");
    const auto page = opened->file->history("room:tea", {});
    EXPECT_EQ(page->entries[2].from, "alice");
    EXPECT_EQ(page->entries[2].payload.str(), "mine");
    EXPECT_EQ(page->entries[2].messages, 3u) << "one more than the entry before it";
    ASSERT_EQ(open(), errc::ok);
    EXPECT_EQ(ids(opened->contents.outbox), "2");
}

// The format is the one of before: an entry of an earlier version says nothing of this.
TEST_F(CacheFiles, EntriesHaveWhatTheirMessagesSaidBesideTheirPayloads) {
    ASSERT_EQ(open(), errc::ok);
    auto changes = told("room:tea", 1, 2);
    Entry& entry = changes.conversations["room:tea"].entries[1].second;
    entry.ref = 1;
    entry.silent = true;
    entry.mentions = {"alice", "eve"};
    wire::MessageView view;
    view.id = kept_id(3);
    view.to = "room:tea";
    const std::string about = wire::encode(wire::About{2, model::kSilent | model::kMentionAll, {"bob"}});
    view.about = about;
    changes.posted = {{view.id, wire::encode_message(view), Priority::normal}};
    write(changes);
    CacheChanges settled;
    settled.settled[kept_id(3)] = {"room:tea", StoredAt{{7, 3}, std::chrono::system_clock::time_point{}}};
    write(settled);
    ASSERT_EQ(open(), errc::ok);
    const auto page = opened->file->history("room:tea", {});
    ASSERT_EQ(offsets(*page), "1 2 3");
    EXPECT_TRUE(page->entries[0].mentions.empty());
    EXPECT_EQ(page->entries[1].ref, 1u);
    EXPECT_TRUE(page->entries[1].silent);
    EXPECT_FALSE(page->entries[1].mentions_all);
    EXPECT_EQ(page->entries[1].mentions, (std::vector<std::string>{"alice", "eve"}));
    EXPECT_EQ(page->entries[2].ref, 2u);
    EXPECT_TRUE(page->entries[2].silent && page->entries[2].mentions_all);
    EXPECT_EQ(page->entries[2].mentions, std::vector<std::string>{"bob"});
    EXPECT_EQ(page->entries[2].messages, 2u) << "a silent one does not count";
}

TEST_F(CacheFiles, AMessageIsAsItsChangesHaveLeftIt) {
    ASSERT_EQ(open(), errc::ok) << said;
    write(told("room:tea", 1, 3, 7, "first"));
    const auto change = [&](std::uint64_t offset, EntryKind kind, std::uint64_t ref, std::string text,
                            bool taken_back = false) {
        CacheChanges changes;
        Entry entry = kept_entry(offset, std::move(text));
        entry.kind = kind;
        entry.ref = ref;
        entry.from = offset % 2 == 0 ? "alice" : "bob";
        entry.taken_back = taken_back;
        changes.conversations["room:tea"].entries.emplace_back(7, entry);
        write(changes);
    };
    change(4, EntryKind::edit, 1, "second");
    change(5, EntryKind::reaction, 1, "up");
    change(6, EntryKind::reaction, 1, "up");
    change(7, EntryKind::reaction, 1, "heart");
    change(8, EntryKind::removal, 2, "");
    change(9, EntryKind::reaction, 1, "heart", true);
    change(10, EntryKind::edit, 99, "of what is not here");
    // A page that was asked for before.
    CacheChanges page;
    Entry older = kept_entry(1, "first");
    older.reactions_upto = 3;
    page.conversations["room:tea"].entries.emplace_back(7, older);
    page.conversations["room:tea"].entries.emplace_back(7, kept_entry(2, "first"));
    write(page);
    ASSERT_EQ(open(), errc::ok) << said;
    const auto shown = opened->file->history("room:tea", {});
    ASSERT_TRUE(shown);
    ASSERT_EQ(shown->entries.size(), 10u);
    EXPECT_EQ(shown->entries[0].payload, "second");
    EXPECT_EQ(shown->entries[0].changed_at, 4u);
    EXPECT_EQ(shown->entries[0].reactions, (std::vector<Reaction>{{"up", 2, true}}));
    EXPECT_TRUE(shown->entries[1].deleted);
    EXPECT_TRUE(shown->entries[1].payload.empty());
    EXPECT_EQ(shown->entries[2].payload, "first");
    EXPECT_TRUE(shown->entries[8].taken_back);
}

TEST_F(CacheFiles, KeepsTheOrderInWhichMessagesWerePosted) {
    ASSERT_EQ(open(), errc::ok);
    CacheChanges changes;
    changes.posted = {kept_message(9), kept_message(3), kept_message(7)};
    write(changes);
    ASSERT_EQ(open(), errc::ok);
    CacheChanges more;
    more.posted = {kept_message(1)};
    write(more);
    ASSERT_EQ(open(), errc::ok);
    EXPECT_EQ(ids(opened->contents.outbox), "9 3 7 1");
}

}  // namespace
}  // namespace flare::client::test
