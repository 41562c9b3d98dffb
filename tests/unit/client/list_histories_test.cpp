// The list of conversations that a client keeps against a plain model of the server's logs.
#include "unit/client/listing.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

namespace flare::client {
namespace {

namespace body = wire::im;
using test::entry_of;
using test::kEpoch;
using test::Listing;

// What the server has of a conversation, and how far a feed has told it.
struct Log {
    bool member = true;
    std::vector<body::Entry> entries;  // from offset 1 on
    std::uint64_t mark = 0;            // that the server knows
    std::uint64_t local = 0;           // that the client has said
    std::uint64_t told = 0;
    std::uint64_t visible_from = 1;
    std::uint64_t cleared = 0;
    bool listed = false;

    std::uint64_t last() const { return entries.size(); }
    std::uint32_t unread(std::uint64_t above) const { return count(above, false); }
    std::uint32_t mentions(std::uint64_t above) const { return count(above, true); }
    body::ReadMark read_mark() const {
        body::ReadMark said{mark, unread(mark), false, last()};
        said.mentions = mentions(mark);
        return said;
    }

private:
    std::uint32_t count(std::uint64_t above, bool only_mentions) const {
        std::uint32_t found = 0;
        for (const body::Entry& each : entries) {
            const bool counts = each.kind == model::EntryKind::message && each.from != "ann" &&
                                (each.flags & (model::kSilent | model::kDeleted)) == 0;
            const bool named = (each.flags & model::kMentionAll) != 0 || !each.mentions.empty();
            if (counts && (named || !only_mentions) && each.offset > std::max({above, visible_from - 1, cleared}))
                ++found;
        }
        return found;
    }
};

class ListHistory {
public:
    explicit ListHistory(unsigned seed) : chance_(seed) { logs_.resize(3); }

    void run(int steps) {
        for (int i = 0; i < steps; ++i) step();
        while (!pages_.empty()) take_page();
        for (std::size_t i = 0; i < logs_.size(); ++i) {
            tell_upto(i, logs_[i].last());
            if (!logs_[i].listed && logs_[i].member) name(i, page_of(i));
        }
        while (!answers_.empty()) take_answer();
        for (const auto& each : list_.unsaid())
            say(static_cast<std::size_t>(each.name.back() - '0'), each.position.offset);
        while (!answers_.empty()) take_answer();
        EXPECT_TRUE(list_.unsaid().empty());
        compare();
    }

private:
    struct Page {
        std::size_t which;
        Listing listing;
        std::uint64_t visible_from;
        std::uint64_t cleared;
    };
    struct Answer {
        std::size_t which;
        body::ReadMark said;
        std::uint64_t visible_from;
    };
    static std::string name_of(std::size_t i) { return "room:" + std::to_string(i); }
    unsigned below(std::size_t n) { return static_cast<unsigned>(chance_() % n); }

    void step() {
        const std::size_t i = below(logs_.size());
        Log& log = logs_[i];
        if (!answers_.empty() && below(4) == 0) take_answer();
        switch (below(8)) {
            case 0:
            case 1: write(i); break;
            case 2: tell_upto(i, log.told + 1); break;
            case 3:
                if (log.member && pages_.size() < 3) pages_.push_back(page_of(i));
                break;
            case 4:
                if (!pages_.empty()) take_page();
                break;
            case 5: mark(i); break;
            case 6:
                if (log.mark < log.last()) log.mark += below(log.last() - log.mark + 1);  // on another device
                break;
            case 7:
                if (below(6) == 0) change_membership(i);
                if (below(4) == 0) clear(i);
        }
    }
    void write(std::size_t i) {
        Log& log = logs_[i];
        if (log.last() != 0 && below(6) == 0) return remove(i, below(log.last()));
        auto entry = entry_of(log.last() + 1, below(3) == 0 ? "ann" : "bob");
        if (below(5) == 0) entry.kind = model::EntryKind::membership, entry.payload = "";
        if (below(5) == 0) entry.flags = model::kSilent;
        if (below(4) == 0) entry.flags |= model::kMentionAll;
        if (below(4) == 0) entry.mentions = {"ann"};
        log.entries.push_back(entry);
        const bool own = entry.from == "ann" && entry.kind == model::EntryKind::message && below(2) == 0;
        if (!own || !log.listed) return;
        Entry mine = packed_of(entry, Bytes()).entry;  // its receipt comes before what is below it
        list_.on_own(name_of(i), kEpoch, mine);
    }
    // From now on nothing shows its text, also what tells it late.
    void remove(std::size_t i, std::size_t at) {
        Log& log = logs_[i];
        body::Entry& message = log.entries[at];
        if (message.kind != model::EntryKind::message || (message.flags & model::kDeleted) != 0) return;
        message.flags |= model::kDeleted;
        message.mentions.clear();
        message.rev = log.last() + 1;
        auto entry = entry_of(log.last() + 1, below(3) == 0 ? "ann" : "bob");
        entry.kind = model::EntryKind::removal;
        entry.ref = message.offset;
        entry.payload = "";
        log.entries.push_back(entry);
    }
    void tell_upto(std::size_t i, std::uint64_t upto) {
        Log& log = logs_[i];
        if (!log.listed) return;
        for (; log.told < std::min(upto, log.last()); ++log.told)
            list_.on_entry(name_of(i), kEpoch, log.entries[log.told], 0);
    }
    Page page_of(std::size_t i) {
        const Log& log = logs_[i];
        Page page{i, {name_of(i), log.last(), log.mark, log.unread(log.mark)}, log.visible_from, log.cleared};
        page.listing.mentions = log.mentions(log.mark);
        const std::uint64_t count =
            std::min<std::uint64_t>(below(12), log.last() - std::max(log.visible_from - 1, log.cleared));
        page.listing.entries.assign(log.entries.end() - static_cast<std::ptrdiff_t>(count), log.entries.end());
        return page;
    }
    void take_page() {
        const Page page = pages_.front();
        pages_.erase(pages_.begin());
        const Log& log = logs_[page.which];
        if (log.member && log.visible_from == page.visible_from) name(page.which, page);
    }
    void name(std::size_t i, const Page& page) {
        Log& log = logs_[i];
        EXPECT_TRUE(list_.name(page.listing.wire(), 0, settings_of(log)));
        // What was told while a page was on its way is taken behind it.
        if (page.cleared != log.cleared) list_.on_marked(name_of(i), kEpoch, log.read_mark());
        // The feed begins behind the page if that reaches back; or it goes on where it was, and what the page has
        // comes again.
        const auto& entries = page.listing.entries;
        const std::uint64_t first = entries.empty() ? page.listing.last + 1 : entries.front().offset;
        const bool is_new = !std::exchange(log.listed, true);
        if (is_new || (first <= log.told + 1 && below(2) == 0)) log.told = std::max(log.told, page.listing.last);
    }
    static body::Settings settings_of(const Log& log) {
        body::Settings settings;
        settings.cleared_to = log.cleared;
        return settings;
    }
    // On any device: what was answered before has come before, as it travels in the same lane, and the feed tells
    // nothing of it any more.
    void clear(std::size_t i) {
        Log& log = logs_[i];
        if (!log.member || log.last() == 0) return;
        for (std::size_t at = answers_.size(); at-- > 0;)
            if (answers_[at].which == i) take_answer(at);
        log.cleared = std::max<std::uint64_t>(log.cleared, 1 + below(log.last()));
        if (!log.listed) return;
        list_.on_settings(name_of(i), kEpoch, settings_of(log));
        list_.on_marked(name_of(i), kEpoch, log.read_mark());
        log.told = std::max(log.told, log.cleared);
    }
    void mark(std::size_t i) {
        Log& log = logs_[i];
        if (!log.listed || log.told == 0) return;
        const std::uint64_t upto = 1 + below(log.told);
        (void)list_.mark(name_of(i), {kEpoch, upto});
        log.local = std::max(log.local, upto);
        if (below(2) == 0) say(i, upto);
    }
    // The server counts more than has been told, and its answer comes when more has been.
    void say(std::size_t i, std::uint64_t upto) {
        Log& log = logs_[i];
        log.mark = std::max(log.mark, upto);
        answers_.push_back({i, log.read_mark(), log.visible_from});
    }
    void take_answer() { take_answer(below(answers_.size())); }
    void take_answer(std::size_t which) {
        const auto at = answers_.begin() + static_cast<std::ptrdiff_t>(which);
        const Answer answer = *at;
        answers_.erase(at);
        const Log& log = logs_[answer.which];
        if (log.visible_from == answer.visible_from) list_.on_marked(name_of(answer.which), kEpoch, answer.said);
    }
    void change_membership(std::size_t i) {
        Log& log = logs_[i];
        log.member = !log.member;
        if (!log.member) {
            EXPECT_EQ(list_.remove(name_of(i)), log.listed);
            log.listed = false;
            return;
        }
        write(i);  // the entry that adds the user
        log.visible_from = log.last();
        log.mark = log.told = log.last();
        log.local = 0;
        log.cleared = 0;
        name(i, page_of(i));  // the feed begins unasked
    }
    void compare() {
        std::int64_t before = INT64_MAX;
        for (const auto& item : list_.items()) {
            const auto at = std::chrono::duration_cast<std::chrono::milliseconds>(item.last_time.time_since_epoch());
            EXPECT_LE(at.count(), before) << "the newest activity first";
            before = at.count();
        }
        for (std::size_t i = 0; i < logs_.size(); ++i) {
            const Log& log = logs_[i];
            const auto item = list_.item(name_of(i));
            ASSERT_EQ(item.has_value(), log.member) << name_of(i);
            if (!item) continue;
            // What another device has read since is not known, unless a page or an answer has said so.
            EXPECT_LE(item->mark.offset, std::max(log.mark, log.local));
            EXPECT_GE(item->mark.offset, log.local);
            EXPECT_EQ(item->mark.unread, log.unread(item->mark.offset)) << name_of(i) << " " << item->mark.offset;
            EXPECT_EQ(item->settings.cleared_to, log.cleared);
            EXPECT_TRUE(item->entries.empty() || item->entries.front().packed.entry.offset > log.cleared);
            EXPECT_EQ(item->mark.mentions, log.mentions(item->mark.offset)) << name_of(i);
            EXPECT_FALSE(item->mark.more);
            EXPECT_EQ(item->about.head.last, log.last());
            std::uint64_t offset = log.last();
            for (auto each = item->entries.rbegin(); each != item->entries.rend(); ++each, --offset) {
                EXPECT_EQ(each->packed.entry.offset, offset) << "the newest, without holes";
                EXPECT_EQ(each->packed.entry.from, log.entries[offset - 1].from);
            }
        }
    }

    std::mt19937 chance_;
    std::vector<Log> logs_;
    std::vector<Page> pages_;
    std::vector<Answer> answers_;
    ConversationList list_{"ann"};
};

TEST(ListHistories, AreWhatARecountSays) {
    for (unsigned seed = 1; seed <= 3'000; ++seed) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        ListHistory(seed).run(20 + static_cast<int>(seed % 150));
        if (::testing::Test::HasFailure()) return;
    }
}

}  // namespace
}  // namespace flare::client
