// A client's cache, with its thread: what was put into it is in the file, and nobody waits for the disk.
#include "client/cache/cache.hpp"

#include "client/im/keeping.hpp"
#include "support/no_room.hpp"
#include "unit/client/cache_support.hpp"
#include "wire/sync.hpp"

#include <atomic>
#include <csignal>
#include <fstream>
#include <future>
#include <optional>

#include <sys/wait.h>
#include <unistd.h>

namespace flare::client::test {
namespace {

using namespace std::chrono_literals;

class Caching : public ::testing::Test {
protected:
    ~Caching() override { close(); }
    void open() {
        close();
        auto opened = CacheFile::open(path, "alice");
        ASSERT_TRUE(opened) << opened.error().text;
        contents = opened->contents;
        cache = std::make_shared<Cache>(std::move(*opened), "alice");
    }
    void start() {
        cache->start([this](const Failure& failure) {
            errors.push_back(failure);
            failed.set_value();
        });
    }
    void close() {
        if (cache) cache->close(true);
        cache.reset();
    }
    // What the next run finds.
    void open_again() {
        open();
        if (cache) start();
    }
    std::string history(const std::string& conversation = "room:tea", const HistoryQuery& query = {}) {
        std::promise<Checked<HistoryPage>> answered;
        cache->history(conversation, query, [&](Checked<HistoryPage> page) { answered.set_value(std::move(page)); });
        const auto page = answered.get_future().get();
        return page ? offsets(*page) : std::string(name(page.error().code));
    }
    void tell(std::uint64_t first, std::uint64_t last, const std::string& text = "hello") const {
        for (std::uint64_t offset = first; offset <= last; ++offset)
            cache->told("room:tea", kept_entry(offset, text), {{7, offset}, kept_id(offset)});
    }

    const flare::test::Folder folder;
    const std::string path = folder.path("alice.cache");
    CacheContents contents;
    std::shared_ptr<Cache> cache;
    std::vector<Failure> errors;
    std::promise<void> failed;
};

TEST_F(Caching, WhatWasToldIsThereInTheNextRun) {
    open_again();
    EXPECT_FALSE(cache->told_upto("room:tea"));
    tell(1, 3);
    EXPECT_EQ(cache->told_upto("room:tea"), (ToldUpto{{7, 3}, kept_id(3)})) << "at once";
    EXPECT_EQ(history(), "1 2 3") << "what was told before is read";
    open_again();
    EXPECT_EQ(cache->told_upto("room:tea"), (ToldUpto{{7, 3}, kept_id(3)}));
    EXPECT_EQ(history(), "1 2 3");
    EXPECT_TRUE(errors.empty());
}

// What the application is told is kept when the event goes, behind its callback.
TEST_F(Caching, NothingIsKeptThatWasNotTold) {
    open_again();
    { const auto untold = Keeping::of(cache, "room:tea", {{7, 1}, kept_id(1)}); }
    EXPECT_FALSE(cache->told_upto("room:tea"));
    {
        const auto told = Keeping::of(cache, "room:tea", {{7, 1}, kept_id(1)});
        told->tells(kept_entry(1));
        EXPECT_FALSE(cache->told_upto("room:tea")) << "the callback is running";
    }
    EXPECT_EQ(cache->told_upto("room:tea"), (ToldUpto{{7, 1}, kept_id(1)}));
    {
        const auto gap = Keeping::of(cache, "room:tea", {{7, 9}, Uuid()});
        gap->tells(HistoryGap{"room:tea", HistoryGapReason::too_far_behind, 7, 2, 9});
    }
    EXPECT_EQ(cache->told_upto("room:tea"), (ToldUpto{{7, 9}, Uuid()}));
    EXPECT_EQ(history(), "1");
    EXPECT_EQ(Keeping::of(nullptr, "room:tea", {}), nullptr);
}

TEST_F(Caching, APostedMessageSurvivesTheDeathOfItsProcess) {
    const pid_t pid = ::fork();
    ASSERT_GE(pid, 0);
    if (pid == 0) {
        auto opened = CacheFile::open(path, "alice");
        if (!opened) ::_exit(1);
        Cache mine(std::move(*opened), "alice");
        mine.start({});
        (void)mine.post(kept_message(1));
        if (!mine.wait_for(mine.post(kept_message(2)), 10s)) ::_exit(2);
        ::raise(SIGKILL);
    }
    int status = 0;
    ::waitpid(pid, &status, 0);
    ASSERT_TRUE(WIFSIGNALED(status)) << WEXITSTATUS(status);
    open();
    EXPECT_EQ(ids(contents.outbox), "1 2");
    EXPECT_EQ(ids(cache->take_contents().outbox), "1 2");
    EXPECT_EQ(ids(cache->take_contents().outbox), "") << "once";
}

TEST_F(Caching, AMessageThatHasItsOutcomeIsForgotten) {
    open();  // nothing is written yet
    const auto first = cache->post(kept_message(1, "room:tea"));
    (void)cache->post(kept_message(2, "room:tea"));
    const auto third = cache->post(kept_message(3, "room:tea"));
    cache->sent(kept_id(2), 5'000);
    cache->settled(kept_id(1), first, {"room:tea", StoredAt{{7, 4}, {}}}, ToldUpto{{7, 4}, kept_id(1)});
    start();
    EXPECT_TRUE(cache->wait_for(cache->newest(), 10s));
    EXPECT_EQ(history(), "4 ...");
    cache->settled(kept_id(3), third, {"room:tea", std::nullopt}, std::nullopt);  // of one that is in the file
    open_again();
    EXPECT_EQ(ids(contents.outbox), "2");
    EXPECT_EQ(contents.outbox.front().first_sent_ms, 5'000);
    EXPECT_EQ(contents.told.at("room:tea"), (ToldUpto{{7, 4}, kept_id(1)}));
}

// A message that failed for want of room may be posted again under its id, in the callback that tells it.
TEST_F(Caching, AMessageThatIsPostedAgainUnderItsIdIsKept) {
    open_again();
    const auto failed_one = cache->post(kept_message(1));
    ASSERT_TRUE(cache->wait_for(failed_one, 10s));
    const auto again = cache->post(kept_message(1));
    cache->settled(kept_id(1), failed_one, {"bob", std::nullopt}, std::nullopt);
    open_again();
    EXPECT_EQ(ids(contents.outbox), "1");
    cache->settled(kept_id(1), 0, {"bob", std::nullopt}, std::nullopt);
    (void)again;
    open_again();
    EXPECT_EQ(ids(contents.outbox), "");
}

TEST_F(Caching, EntriesForWhichADiskTakesTooLongAreNotKeptButHowFarTheyWereToldIs) {
    open();
    const std::string text(1u << 20, 'x');
    tell(1, 40, text);
    start();
    open_again();
    EXPECT_EQ(cache->told_upto("room:tea")->position.offset, 40u);
    // Of 8 MiB in memory the file has the newest 4 MiB.
    EXPECT_EQ(history("room:tea", HistoryQuery::before(0, 1)).substr(0, 2), "8 ");
}

TEST_F(Caching, OfALogThatHasDivergedNothingIsShown) {
    open_again();
    tell(1, 9);
    EXPECT_EQ(history(), "1 2 3 4 5 6 7 8 9");
    cache->left_out({"room:tea", HistoryGapReason::diverged, 7, 1, 3}, {{7, 3}, {}});
    EXPECT_EQ(history(), "not_connected");
    tell(4, 5);
    EXPECT_EQ(history(), "4 5 ...");
    EXPECT_EQ(cache->told_upto("room:tea")->position.offset, 5u);
}

TEST_F(Caching, KeepsTheListWithTheNewestEntriesAsFarAsTheyAreSmall) {
    open_again();
    ListedConversation tea;
    tea.about.name = "room:tea";
    tea.about.head = {7, 1, 12, 9};
    tea.about.config.title = "Tea";
    tea.about.role = MemberRole::admin;
    tea.about.members = 3;
    tea.mark = {10, 2, true};
    tea.last_time = std::chrono::system_clock::time_point(std::chrono::seconds(5));
    tea.entries = {kept_entry(10, std::string(7'000, 'x')), kept_entry(11, std::string(2'000, 'x')), kept_entry(12)};
    cache->listed("room:tea", &tea);
    cache->listed("room:soup", &tea);
    cache->listed("room:soup", nullptr);
    cache->synced("here");
    open();
    EXPECT_EQ(contents.cursor, "here");
    ASSERT_EQ(contents.list.size(), 1u);
    const auto found = wire::im::decode<wire::im::SyncedConversation>(contents.list[0]);
    ASSERT_TRUE(found);
    EXPECT_EQ(found->about->conversation, "room:tea");
    EXPECT_EQ(found->about->title, "Tea");
    EXPECT_EQ(found->about->role, model::Role::admin);
    EXPECT_EQ(found->about->members, 3u);
    EXPECT_EQ(found->about->head->last, 12u);
    EXPECT_EQ(*found->mark, (wire::im::ReadMark{10, 2, true}));
    EXPECT_EQ(found->last_ms, 5'000);
    ASSERT_EQ(found->entries.size(), 2u);
    EXPECT_EQ(found->entries[0].offset, 11u);
    EXPECT_EQ(found->entries[1].payload, "hello");
}

TEST_F(Caching, KeepsPagesOfServersButNotItsOwn) {
    open_again();
    HistoryPage page;
    page.head = {7, 1, 20, 20};
    page.entries = {kept_entry(11), kept_entry(12)};
    cache->page("room:tea", page);
    page.entries = {kept_entry(13)};
    page.from_cache = true;
    cache->page("room:tea", page);
    EXPECT_EQ(history("room:tea", HistoryQuery::after(10)), "11 12 ...");
    EXPECT_EQ(history("room:tea", HistoryQuery::before(13)), "11 12 ...");
    EXPECT_FALSE(cache->told_upto("room:tea")) << "nothing was told";
}

TEST_F(Caching, GoesOnWithoutItsFileWhenTheDiskIsFull) {
    open_again();
    tell(1, 2);
    EXPECT_TRUE(cache->wait_for(cache->post(kept_message(1)), 10s));
    {
        const flare::test::NoRoomBeyond more(200'000);
        tell(3, 3, std::string(500'000, 'x'));
        ASSERT_EQ(failed.get_future().wait_for(10s), std::future_status::ready);
        EXPECT_EQ(history(), "cache_failed");
        tell(4, 5);
        EXPECT_FALSE(cache->wait_for(cache->post(kept_message(2)), 10s));
        cache->settled(kept_id(1), 0, {"bob", std::nullopt}, std::nullopt);
        EXPECT_EQ(cache->told_upto("room:tea")->position.offset, 5u) << "this run goes on as it would";
        close();
    }
    ASSERT_EQ(errors.size(), 1u) << "told once";
    EXPECT_EQ(errors[0].code, errc::cache_failed);
    EXPECT_NE(errors[0].text.find(path), std::string::npos) << errors[0].text;
    open_again();
    EXPECT_EQ(history(), "1 2");
    EXPECT_EQ(ids(contents.outbox), "1") << "it is sent once more, and known again";
    EXPECT_EQ(cache->told_upto("room:tea")->position.offset, 2u) << "told again rather than never";
}

TEST_F(Caching, SetsAsideAFileThatTurnsOutToBeDamaged) {
    open_again();
    tell(1, 60, std::string(50'000, 'x'));
    open_again();
    {
        std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
        file.seekp(40 * 4096);
        file << std::string(2'000'000, '\xa5');
    }
    std::string answer;
    for (int i = 0; i < 60 && errors.empty(); ++i)
        answer = history("room:tea", HistoryQuery::before(61 - static_cast<std::uint64_t>(i), 1));
    EXPECT_EQ(answer, "cache_damaged");
    EXPECT_EQ(history(), "cache_failed") << "nothing more is read";
    ASSERT_EQ(errors.size(), 1u);
    EXPECT_EQ(errors[0].code, errc::cache_damaged);
    EXPECT_NE(errors[0].text.find(path + ".damaged"), std::string::npos) << errors[0].text;
    open_again();
    EXPECT_EQ(history(), "not_connected") << "a new one has begun";
}

TEST_F(Caching, AnswersNothingWhenItIsClosed) {
    open_again();
    tell(1, 1);
    const auto closed = cache;
    close();
    errc code = errc::ok;
    closed->history("room:tea", {}, [&](const Checked<HistoryPage>& page) { code = page.error().code; });
    EXPECT_EQ(code, errc::client_closed);
    (void)closed->post(kept_message(1));
    closed->told("room:tea", kept_entry(2), {{7, 2}, kept_id(2)});
    closed->close(true);
    open_again();
    EXPECT_EQ(history(), "1");
    EXPECT_TRUE(contents.outbox.empty());
}

}  // namespace
}  // namespace flare::client::test
