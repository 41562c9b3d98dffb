// What is unread, where marks are, and what users have chosen, at the end of histories that nobody has thought of:
// against a plain recount.
//
// 10,000 histories of the engine in memory; of the others the first few hundred, or all if FLARE_ALL_HISTORIES is set.
// A failure names its history: run_history() of that number shows it again.
#include "contract/store/list_fixture.hpp"
#include "store/rules.hpp"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <set>
#include <vector>

namespace flare::store::test {
namespace {

using model::EntryKind;
using model::Role;

constexpr std::array kPeople{kAnn, kBob, kCat};

// A conversation as its log says, without any shortcut.
struct PlainRoom {
    struct Said {
        Row sender = 0;
        EntryKind kind = EntryKind::message;
        bool silent = false;
        bool deleted = false;
        std::set<Row> mentions{};                  // 0: all
        std::map<Row, std::uint64_t> reactions{};  // to it: how many of whom
    };
    struct Person {
        bool is_member = false;
        std::uint64_t visible_from = 1;
        model::ReadMark mark{};
        std::uint64_t cleared_to = 0;
        std::optional<std::uint64_t> hidden_at{};  // how many messages there were then
        std::uint64_t pinned = 0;

        void forget_choices() {
            cleared_to = pinned = 0;
            hidden_at.reset();
        }
    };

    std::uint64_t last() const { return said.size(); }
    bool counts(std::uint64_t offset) const {
        return said[offset - 1].kind == EntryKind::message && !said[offset - 1].silent;
    }
    // It is there, and is not about another entry itself. That it is a message is not the store's business.
    bool can_be_changed(std::uint64_t offset) const {
        return offset >= first && offset <= last() && !is_about_another(said[offset - 1].kind) &&
               !said[offset - 1].deleted;
    }
    std::uint64_t messages() const { return mark_at(last()).messages; }
    // Of those that were cut off only the number of all is known.
    model::ReadMark mark_at(std::uint64_t offset) const {
        model::ReadMark mark{offset, 0};
        for (std::uint64_t each = 1; each <= std::max(offset, first - 1); ++each) mark.messages += counts(each);
        return mark;
    }
    Unread unread(Row user) const {
        const Person& person = people.at(user);
        const std::uint64_t base =
            std::max({person.mark.offset, person.visible_from - 1, person.cleared_to, first - 1});
        Unread found;
        for (std::uint64_t offset = base + 1; offset <= last(); ++offset) {
            const Said& each = said[offset - 1];
            if (!counts(offset) || each.deleted || each.sender == user) continue;
            ++found.count;
            found.mentions += each.mentions.contains(user) || each.mentions.contains(0);
        }
        return found;
    }

    std::uint64_t first = 1;  // what is below was cut off
    std::vector<Said> said;   // from offset 1 on, with what was cut off
    std::map<Row, Person> people;
};

// One conversation of a store, from its beginning on.
class UnreadHistory {
public:
    UnreadHistory(StoreTest& store, std::uint64_t number) : store_(store), number_(number), chance_(number) {}

    void run() {
        begin();
        const std::size_t steps = 10 + below(60);
        for (std::size_t i = 0; i < steps && !::testing::Test::HasFailure(); ++i) {
            take_step();
            if (below(3) != 0) continue;
            commit();
            if (below(4) == 0) reopen();
            compare();
        }
        commit();
        compare();
        EXPECT_TRUE(number_ % 16 != 0 || store_.engine->check(5)->good());
    }

private:
    // What may happen, and how often. What comes to a conversation later is one more of these.
    struct Step {
        unsigned weight;
        void (UnreadHistory::*take)();
    };
    static constexpr std::size_t kSteps = 17;
    static const std::array<Step, kSteps> steps_;

    std::size_t below(std::size_t n) { return std::uniform_int_distribution<std::size_t>(0, n - 1)(chance_); }
    Row anybody() { return kPeople[below(kPeople.size())]; }
    std::uint64_t some_offset() { return 1 + below(plain_.last() + 1); }  // one of them is not there

    void begin() {
        Change made;
        made.key = model::ConversationKey::room("room " + std::to_string(number_));
        for (const Row user : kPeople) {
            PlainRoom::Person& person = plain_.people[user];
            person.is_member = below(4) != 0;
            if (person.is_member) made.members.push_back(member_since_start(user));
        }
        room_ = store_.change(made).row;
    }

    void take_step() {
        unsigned all = 0;
        for (const Step& each : steps_) all += each.weight;
        std::size_t chosen = below(all);
        for (const Step& each : steps_) {
            if (chosen < each.weight) return (this->*each.take)();
            chosen -= each.weight;
        }
    }

    // ---- what happens ----

    // Others say something, too: the server's application, and who is no member any more.
    Row a_sender() { return below(8) == 0 ? Row{0} : anybody(); }
    void say() { add(a_sender(), EntryKind::message, 0, 0); }
    void say_silently() { add(a_sender(), EntryKind::message, model::kSilent, 0); }
    // Also who is no member, who says it, and the same one twice; a silent one names people, too.
    void mention() {
        std::vector<Row> users;
        for (std::size_t i = below(4); i > 0; --i) users.push_back(anybody());
        add(a_sender(), EntryKind::message, below(6) == 0 ? model::kSilent : 0, 0, std::move(users));
    }
    void mention_all() { add(a_sender(), EntryKind::message, model::kMentionAll, 0, {anybody()}); }
    void edit() { add(anybody(), EntryKind::edit, 0, some_offset()); }
    void remove() { add(anybody(), EntryKind::removal, 0, some_offset()); }
    void react() { add(anybody(), EntryKind::reaction, 0, some_offset()); }
    void change_config() { put({}); }

    // On one of two devices, which know of each other's marks or not, and may be late.
    void mark() {
        const Row user = anybody();
        PlainRoom::Person& person = plain_.people[user];
        const std::uint64_t offset = below(8) == 0 ? plain_.last() + below(9) : below(plain_.last() + 1);
        const std::uint64_t reached = std::min<std::uint64_t>(offset, plain_.last());
        const bool may = person.is_member;
        const bool grows = may && reached > person.mark.offset;
        const std::uint64_t unread_from = person.mark.unread_from;
        const bool ends = may && unread_from != 0 && reached >= unread_from;
        if (grows) person.mark = plain_.mark_at(reached);
        person.mark.unread_from = ends ? 0 : unread_from;
        write({Mark{room_, user, offset}}, [may, written = grows || ends, mark = person.mark](const Outcome& outcome) {
            EXPECT_EQ(outcome.code, may ? errc::ok : errc::unknown_conversation);
            if (!may) return;
            EXPECT_EQ(outcome.repeat, !written) << "a mark is written if it grows, or ends what counts as unread";
            EXPECT_EQ(outcome.position.offset, mark.offset);
            EXPECT_EQ(outcome.messages, mark.messages);
        });
    }
    void mark_unread() {
        const Row user = anybody();
        PlainRoom::Person& person = plain_.people[user];
        const std::uint64_t offset = below(plain_.last() + 1);
        if (person.is_member) person.mark.unread_from = offset;
        write({Mark{room_, user, offset, Mark::What::unread}}, [may = person.is_member](const Outcome& outcome) {
            EXPECT_EQ(outcome.code, may ? errc::ok : errc::unknown_conversation);
        });
    }

    // ---- what a user chooses ----

    void clear() {
        const Row user = anybody();
        PlainRoom::Person& person = plain_.people[user];
        SettingsChange change{room_, user};
        change.cleared_to = below(8) == 0 ? plain_.last() + below(9) : below(plain_.last() + 1);
        const std::uint64_t reached = std::min<std::uint64_t>(change.cleared_to, plain_.last());
        if (person.is_member && reached > person.cleared_to) {
            person.cleared_to = reached;
            if (person.mark.unread_from <= reached) person.mark.unread_from = 0;
        }
        choose(change, person);
    }
    void hide_or_show() {
        const Row user = anybody();
        PlainRoom::Person& person = plain_.people[user];
        SettingsChange change{room_, user};
        change.hidden = below(3) != 0;
        if (person.is_member) person.hidden_at.reset();
        if (person.is_member && *change.hidden) person.hidden_at = plain_.messages();
        choose(change, person);
    }
    void pin() {
        const Row user = anybody();
        PlainRoom::Person& person = plain_.people[user];
        SettingsChange change{room_, user};
        change.pinned = below(3);
        if (person.is_member) person.pinned = *change.pinned;
        choose(change, person);
    }
    void choose(const SettingsChange& change, const PlainRoom::Person& person) {
        write({change}, [may = person.is_member, to = person.cleared_to](const Outcome& outcome) {
            EXPECT_EQ(outcome.code, may ? errc::ok : errc::unknown_conversation);
            EXPECT_EQ(outcome.position.offset, may ? to : 0);
        });
    }

    void come() {
        const Row user = anybody();
        PlainRoom::Person& person = plain_.people[user];
        model::Member member = member_since_start(user);
        member.visible_from = below(3) == 0 ? 1 : 0;
        if (person.is_member) member.visible_from = person.visible_from;  // another role, or a mute
        if (person.is_member) member.role = Role::reader;
        put({member});
        if (person.is_member) return;
        person = {true, member.visible_from == 0 ? plain_.last() : member.visible_from, plain_.mark_at(plain_.last())};
    }
    void go() { let_go(anybody()); }
    void let_go(Row user) {
        PlainRoom::Person& person = plain_.people[user];
        if (!person.is_member) return;
        model::Member member = member_since_start(user, Role::none);
        member.left_at = kStart;
        member.visible_from = person.visible_from;
        put({member});
        person.is_member = false;
        person.forget_choices();
    }

    // As the server does it: message after message, of which some may be gone by then; then the membership, but for a
    // direct conversation; at last what the user has chosen. The process may end between any two.
    void erase() {
        const Row user = anybody();
        erasure(user, false);
        for (std::uint64_t offset = plain_.first; offset <= plain_.last(); ++offset) {
            const PlainRoom::Said& each = plain_.said[offset - 1];
            if (each.sender != user || each.kind != EntryKind::message || each.deleted) continue;
            add(0, EntryKind::removal, 0, offset);
            if (below(8) == 0) commit();
            if (below(16) == 0) reopen_between();
        }
        if (below(2) == 0) let_go(user);
        erasure(user, true);
        plain_.people[user].forget_choices();
        for (PlainRoom::Said& each : plain_.said) each.mentions.erase(user);
    }
    void erasure(Row user, bool done) {
        write({Erasure{user, done ? room_ : 0, done}},
              [](const Outcome& outcome) { EXPECT_EQ(outcome.code, errc::ok); });
    }
    void reopen_between() {
        commit();
        reopen();
    }

    // Retention.
    void cut() {
        Change cut;
        cut.conversation = room_;
        cut.keep_from = some_offset();
        plain_.first = std::max(plain_.first, cut.keep_from);
        write({cut}, [](const Outcome& outcome) { EXPECT_EQ(outcome.code, errc::ok); });
    }

    // ---- how it is written: several writes in a group, one after the other ----

    void add(Row sender, EntryKind kind, std::uint8_t flags, std::uint64_t ref, std::vector<Row> mentions = {}) {
        NewEntry entry = next_entry();
        entry.mentions = mentions;
        entry.sender = sender;
        entry.kind = kind;
        entry.flags = flags;
        entry.ref = ref;
        errc code = kind == EntryKind::message || plain_.can_be_changed(ref) ? errc::ok : errc::history_pruned;
        if (kind == EntryKind::reaction) {
            entry.payload = text(std::to_string(last_id_));  // another one each time
            constexpr std::uint64_t kMost = 3;               // of a user
            if (code == errc::ok && ++plain_.said[ref - 1].reactions[sender] > kMost) code = errc::too_many_reactions;
        }
        if (code == errc::ok) plain_.said.push_back({sender, kind, flags == model::kSilent});
        std::erase_if(mentions, [this](Row user) { return !plain_.people[user].is_member; });
        std::set<Row> mentioned(mentions.begin(), mentions.end());
        const std::vector<Row> told(mentioned.begin(), mentioned.end());
        if ((flags & model::kMentionAll) != 0) mentioned.insert(0);
        if (code == errc::ok) plain_.said.back().mentions = std::move(mentioned);
        if (code == errc::ok && kind == EntryKind::removal) plain_.said[ref - 1].deleted = true;
        write({entry}, [code, offset = plain_.last(), told](const Outcome& outcome) {
            EXPECT_EQ(outcome.code, code);
            EXPECT_EQ(outcome.position.offset, code == errc::ok ? offset : 0);
            EXPECT_EQ(std::set<Row>(outcome.mentions.begin(), outcome.mentions.end()),
                      std::set<Row>(told.begin(), told.end()));
            EXPECT_EQ(outcome.mentions.size(), told.size()) << "each is told once";
        });
    }
    void put(std::vector<model::Member> members) {
        Change change;
        change.conversation = room_;
        change.members = std::move(members);
        change.entry = next_entry();
        change.entry->kind = change.members.empty() ? EntryKind::config : EntryKind::membership;
        plain_.said.push_back({0, change.entry->kind});
        write({change}, [offset = plain_.last()](const Outcome& outcome) {
            EXPECT_EQ(outcome.code, errc::ok);
            EXPECT_EQ(outcome.position.offset, offset);
        });
    }
    NewEntry next_entry() {
        NewEntry entry;
        entry.conversation = room_;
        entry.id = id_of(number_ << 16 | ++last_id_);
        entry.payload = text("payload");
        return entry;
    }
    Slice text(std::string_view value) { return batch_.add(value); }
    void write(Write each, std::function<void(const Outcome&)> check) {
        batch_.writes.push_back(std::move(each));
        checks_.push_back(std::move(check));
    }
    void commit() {
        if (batch_.writes.empty()) return;
        WriteBatch* const group[] = {&batch_};
        ASSERT_TRUE(store_.engine->commit(group, ++store_.now));
        for (std::size_t i = 0; i < checks_.size(); ++i) checks_[i](batch_.writes[i].outcome);
        batch_.clear();
        checks_.clear();
    }
    // The process ends, in order or not.
    void reopen() { below(2) == 0 ? store_.open() : store_.crash(); }

    void compare() {
        for (const Row user : kPeople) {
            const PlainRoom::Person& person = plain_.people[user];
            ListRequest request;
            request.user = user;
            request.limit = 1000;
            const auto page = store_.reader->list(request);
            ASSERT_TRUE(page);
            const auto found =
                std::ranges::find(page->found, room_, [](const Listed& each) { return each.conversation.row; });
            ASSERT_EQ(found != page->found.end(), person.is_member) << "user " << user;
            if (!person.is_member) continue;
            EXPECT_EQ(found->mark, person.mark) << "user " << user;
            EXPECT_EQ(found->settings.cleared_to, person.cleared_to) << "user " << user;
            EXPECT_EQ(found->settings.pinned, person.pinned) << "user " << user;
            const bool hidden = person.hidden_at && *person.hidden_at == plain_.messages();
            EXPECT_EQ(found->settings.hides(found->conversation.head.messages), hidden) << "user " << user;
            const auto [unread, unused, mentions] = plain_.unread(user);
            const std::uint32_t most = below(4) == 0 ? static_cast<std::uint32_t>(below(4)) : 999;
            const auto counted = store_.reader->unread(*found, most);
            ASSERT_TRUE(counted);
            EXPECT_EQ(counted->count, std::min(unread, most)) << "user " << user << ", mark " << person.mark.offset;
            EXPECT_EQ(counted->more, unread > most) << "user " << user << ", mark " << person.mark.offset;
            EXPECT_EQ(counted->mentions, std::min(mentions, most)) << "user " << user;
        }
    }

    StoreTest& store_;
    const std::uint64_t number_;
    std::mt19937_64 chance_;
    Row room_ = 0;
    PlainRoom plain_;
    WriteBatch batch_;
    std::vector<std::function<void(const Outcome&)>> checks_;
    std::uint64_t last_id_ = 0;
};

const std::array<UnreadHistory::Step, UnreadHistory::kSteps> UnreadHistory::steps_{{
    {10, &UnreadHistory::say},
    {2, &UnreadHistory::say_silently},
    {4, &UnreadHistory::mention},
    {1, &UnreadHistory::mention_all},
    {3, &UnreadHistory::edit},
    {4, &UnreadHistory::remove},
    {2, &UnreadHistory::react},
    {1, &UnreadHistory::change_config},
    {6, &UnreadHistory::mark},
    {2, &UnreadHistory::mark_unread},
    {3, &UnreadHistory::clear},
    {2, &UnreadHistory::hide_or_show},
    {1, &UnreadHistory::pin},
    {2, &UnreadHistory::come},
    {1, &UnreadHistory::go},
    {1, &UnreadHistory::cut},
    {1, &UnreadHistory::erase},
}};

class StoreUnreadHistories : public ::testing::TestWithParam<EngineKind> {};
INSTANTIATE_TEST_SUITE_P(All, StoreUnreadHistories, ::testing::ValuesIn(engine_kinds()), kind_name);

// A store has several conversations, one after the other.
TEST_P(StoreUnreadHistories, EndAsAPlainRecountSays) {
    constexpr std::uint64_t kAll = 10'000, kOfDisks = 300, kOfOneStore = 25;
    const bool all = GetParam().name == "Memory" || std::getenv("FLARE_ALL_HISTORIES") != nullptr;
    std::unique_ptr<StoreTest> store;
    for (std::uint64_t number = 1; number <= (all ? kAll : kOfDisks); ++number) {
        SCOPED_TRACE("history " + std::to_string(number));
        if (number % kOfOneStore == 1) {
            store.reset();
            store = std::make_unique<StoreTest>(GetParam());
            add_users(*store);
        }
        UnreadHistory(*store, number).run();
        if (HasFailure()) return;
    }
}

}  // namespace
}  // namespace flare::store::test
