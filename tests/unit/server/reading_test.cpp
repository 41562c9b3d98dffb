// Pages of a log as one of its members reads them: server/conversations/reading.hpp.
#include "server/conversations/reading.hpp"

#include "store/memory/memory.hpp"
#include "wire/entries.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

namespace flare::server::reading {
namespace {

constexpr std::uint64_t kReadingNow = 1'700'000'000'000;
constexpr wire::Encodings kReadsZstd = wire::set_of(wire::Encoding::zstd);

class PagesOfALog : public ::testing::Test {
protected:
    PagesOfALog() {
        ann = add_user("ann");
        store::Change change;
        change.key = key;
        change.config.emplace();
        change.members.push_back({.user = ann, .role = model::Role::owner, .visible_from = 1});
        row = commit(std::move(change)).row;
    }
    store::Outcome commit(decltype(store::Write::what) what) {
        batch.writes.emplace_back().what = std::move(what);
        store::WriteBatch* const group[] = {&batch};
        EXPECT_TRUE(engine->commit(group, kReadingNow));
        const store::Outcome outcome = batch.writes.front().outcome;
        EXPECT_EQ(outcome.code, errc::ok);
        batch.clear();
        return outcome;
    }
    store::Row add_user(const std::string& name) { return commit(store::NewUser{name}).row; }
    void write(std::string_view payload, model::StoredEncoding encoding = model::StoredEncoding::identity,
               model::EntryKind kind = model::EntryKind::message) {
        store::NewEntry entry;
        entry.conversation = row;
        entry.sender = ann;
        entry.id.bytes[0] = static_cast<std::uint8_t>(++written);
        entry.id.bytes[1] = static_cast<std::uint8_t>(written >> 8);
        entry.kind = kind;
        entry.encoding = encoding;
        entry.type = batch.add("chat");
        entry.payload = batch.add(payload);
        commit(std::move(entry));
    }
    // Compressed by its sender: every text is of one letter.
    void write_packed(char letter, std::size_t size) {
        const wire::Compression compression{wire::Compression::Options()};
        write(compression.pack(std::string(size, letter), kReadsZstd)->bytes, model::StoredEncoding::zstd);
    }

    // Everything, page by page; each of them is a response.
    struct Read {
        std::vector<std::uint64_t> offsets;
        std::vector<std::string> payloads;
        std::vector<std::size_t> pages;  // entries of each
    };
    Read read_all(bool forward, wire::Encodings encodings, std::uint32_t bytes = 0) {
        Read all;
        wire::im::HistoryQuery query;
        query.limit = wire::im::kMaxPage;
        query.bytes = bytes;
        query.forward = forward;
        const auto reader = engine->reader();
        for (;;) {
            const Found found = history(*reader, key, "ann", query, encodings);
            EXPECT_EQ(found.code, errc::ok);
            EXPECT_LE(found.body.size(), wire::kMaxResponseBytes);
            const auto page = wire::im::decode<wire::im::HistoryPage>(found.body);
            if (!page || page->entries.empty()) {
                ADD_FAILURE() << "a page without entries, though there are more";
                return all;
            }
            EXPECT_TRUE(std::is_sorted(page->entries.begin(), page->entries.end(),
                                       [](const auto& one, const auto& other) { return one.offset < other.offset; }));
            all.pages.push_back(page->entries.size());
            const auto take = [&](const wire::im::Entry& entry) {
                EXPECT_TRUE(entry.encoding == wire::Encoding::none || wire::has(encodings, entry.encoding));
                all.offsets.push_back(entry.offset);
                all.payloads.emplace_back(entry.payload);
            };
            if (forward) {
                std::for_each(page->entries.begin(), page->entries.end(), take);
                query.after = page->entries.back().offset;
            } else {
                std::for_each(page->entries.rbegin(), page->entries.rend(), take);
                query.before = page->entries.front().offset;
            }
            if (!page->more) return all;
            if (all.pages.size() > 1000) {
                ADD_FAILURE() << "it does not end";
                return all;
            }
        }
    }
    // Of `count` entries each once and in order.
    static void expect_all(Read read, std::size_t count, bool forward) {
        if (!forward) std::reverse(read.offsets.begin(), read.offsets.end());
        ASSERT_EQ(read.offsets.size(), count);
        for (std::size_t i = 0; i < count; ++i) EXPECT_EQ(read.offsets[i], i + 1);
    }

    const model::ConversationKey key = model::ConversationKey::room("tea");
    store::memory::Disk disk{7};
    std::unique_ptr<store::Engine> engine = store::memory::open(disk);
    store::WriteBatch batch;
    store::Row ann = 0;
    store::Row row = 0;
    unsigned written = 0;
};

TEST_F(PagesOfALog, OfWhatIsInflatedForItsReaderAreResponses) {
    constexpr std::size_t kCount = 50;
    for (std::size_t i = 0; i < kCount; ++i) write_packed(static_cast<char>('A' + i % 26), 64 * 1024);
    for (const bool forward : {true, false}) {
        const Read read = read_all(forward, 0);
        expect_all(read, kCount, forward);
        for (std::size_t i = 0; i < read.payloads.size(); ++i) {
            const std::size_t at = forward ? i : kCount - 1 - i;
            EXPECT_EQ(read.payloads[i], std::string(64 * 1024, static_cast<char>('A' + at % 26)));
        }
        EXPECT_EQ(read.pages, (std::vector<std::size_t>{15, 15, 15, 5})) << "names and types count, too";
        EXPECT_EQ(read_all(forward, kReadsZstd).pages, std::vector<std::size_t>{kCount}) << "who takes them packed";
    }
}

TEST_F(PagesOfALog, HaveOneEntryHoweverLargeItIs) {
    for (std::size_t i = 0; i < 5; ++i) write_packed('x', 1024 * 1024);
    write("small");
    for (const bool forward : {true, false}) {
        const Read read = read_all(forward, 0);
        expect_all(read, 6, forward);
        EXPECT_EQ(read.pages.size(), 6u);
        EXPECT_EQ(read_all(forward, 0, 1).pages.size(), 6u);
    }
}

TEST_F(PagesOfALog, CountTheNamesThatAChangeIsToldWith) {
    wire::ConversationChange change;
    change.kind = wire::ChangeKind::added;
    for (int i = 0; i < 100; ++i) {
        std::string name(250, static_cast<char>('a' + i % 26));
        change.members.push_back({.row = add_user(name + std::to_string(i)), .role = model::Role::member});
    }
    const std::string payload = wire::encode(change);
    constexpr std::size_t kCount = 100;
    for (std::size_t i = 0; i < kCount; ++i)
        write(payload, model::StoredEncoding::identity, model::EntryKind::membership);
    for (const bool forward : {true, false}) {
        const Read read = read_all(forward, 0);
        expect_all(read, kCount, forward);
        EXPECT_GT(read.pages.size(), 2u) << "26 KB of names each";
        const auto told = wire::decode_conversation_change(read.payloads.front());
        ASSERT_TRUE(told);
        EXPECT_EQ(told->members.size(), 100u);
        EXPECT_EQ(told->members.front().user, std::string(250, 'a') + "0");
    }
}

// What does not travel is not inflated, either: a damaged one beyond the page harms nobody.
TEST_F(PagesOfALog, DoNotInflateWhatTheyHaveNoRoomFor) {
    write_packed('x', 900'000);
    const wire::Compression compression{wire::Compression::Options()};
    std::string damaged(compression.pack(std::string(900'000, 'x'), kReadsZstd)->bytes);
    damaged.append(8, '\0');
    write(damaged, model::StoredEncoding::zstd);
    const auto reader = engine->reader();
    wire::im::HistoryQuery query;
    query.forward = true;
    const Found found = history(*reader, key, "ann", query, 0);
    ASSERT_EQ(found.code, errc::ok);
    const auto page = wire::im::decode<wire::im::HistoryPage>(found.body);
    ASSERT_TRUE(page);
    EXPECT_EQ(page->entries.size(), 1u);
    EXPECT_TRUE(page->more);
    query.after = 1;
    EXPECT_EQ(history(*reader, key, "ann", query, 0).code, errc::store_damaged);
}

}  // namespace
}  // namespace flare::server::reading
