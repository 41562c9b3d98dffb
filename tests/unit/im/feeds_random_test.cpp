// Thousands of steps of a worker with feeds: logs grow, members go and come, the mail of homes, the store and sessions
// are late. What each feed is given is compared with the logs. FLARE_IM_SEEDS=N lives through N worlds.
#include "feed_bench.hpp"
#include "im/planted.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <random>
#include <string>

namespace flare::im::test {
namespace {

constexpr std::size_t kRooms = 3;
constexpr std::size_t kUsers = 4;
constexpr std::size_t kMostSessions = 6;

struct Counts {
    std::uint64_t given = 0, own = 0, pages = 0, live = 0, ended = 0, again = 0, failed = 0, turns = 0;
    std::uint64_t at_once = 0, read_anyway = 0;  // feeds of lists: opened with what was read, or read again
    Counts& operator+=(const Counts& other) {
        given += other.given, own += other.own, pages += other.pages, live += other.live;
        ended += other.ended, again += other.again, failed += other.failed, turns += other.turns;
        at_once += other.at_once, read_anyway += other.read_anyway;
        return *this;
    }
};

class FeedWorld final : private FeedsOwner {
public:
    explicit FeedWorld(std::uint64_t seed)
        : chance_(seed),
          most_in_turn_(seed % 3 == 0 ? Feeds::kMostInTurn : seed % 3),
          feeds_(*this, 4'000, most_in_turn_) {
        for (std::size_t i = 0; i < kRooms; ++i) {
            rooms_.emplace_back(model::ConversationKey::room("room" + std::to_string(i)));
            for (Row user = 1; user <= kUsers; ++user) rooms_.back().joined[user] = 0;
        }
        for (std::size_t i = 0; i <= seed % kMostSessions; ++i) begin_session(i);
    }
    ~FeedWorld() {
        for (auto& each : sessions_) feeds_.session_gone(*each.session);
    }

    // What went wrong; empty: nothing.
    std::string live(int steps) {
        for (int i = 0; i < steps && wrong_.empty(); ++i) {
            step();
            feeds_.check_invariants();
        }
        if (wrong_.empty()) settle();
        return wrong_;
    }
    const Counts& counts() const { return counts_; }

private:
    struct Room {
        explicit Room(model::ConversationKey of) : key(std::move(of)) {}
        model::ConversationKey key;
        std::vector<SessionKey> log;           // who sent each entry; 0: it is a change
        std::map<Row, std::uint64_t> joined;   // members, and with which entry
        std::map<Row, std::uint64_t> removed;  // the last entry that removed them
        // ---- its home ----
        std::optional<std::uint64_t> generation{};  // somebody watches
        std::uint64_t head = 0;                     // what the home knows to be committed, and has told
        // ---- the worker has heard ----
        std::uint64_t heard = 0;
    };
    // What is to be true of a feed.
    struct Expected {
        std::size_t room;
        Row user;
        std::uint64_t next;
        std::uint64_t as_of;
        std::uint64_t own_after;  // own entries above this may be passed over
    };
    struct Session {
        std::unique_ptr<BenchSession> session;
        Row user = 0;
        std::uint64_t number = 0;
        std::map<std::uint32_t, Expected> feeds;     // open ones
        std::map<std::uint32_t, Expected> promised;  // of lists, that are opening
    };
    using Task = std::function<void()>;

    std::uint64_t any(std::uint64_t below) { return chance_() % below; }
    bool one_of(std::uint64_t many) { return any(many) == 0; }
    void fail(const std::string& what) {
        if (wrong_.empty()) wrong_ = what;
    }
    Room& room_of(const model::ConversationKey& key) {
        return *std::find_if(rooms_.begin(), rooms_.end(), [&](const Room& each) { return each.key == key; });
    }
    std::size_t index_of(const Room& room) const { return static_cast<std::size_t>(&room - rooms_.data()); }

    void begin_session(std::size_t at) {
        if (at == sessions_.size()) sessions_.emplace_back();
        Session& session = sessions_[at];
        if (session.session != nullptr) feeds_.session_gone(*session.session);
        session.number = ++last_session_;
        session.user = 1 + at % kUsers;
        session.session =
            std::make_unique<BenchSession>(session.number, 2, static_cast<EncodingSet>(at % 2 == 0 ? 2 : 0));
        session.session->most = 3;
        session.session->on_give = [this, at](const FeedName& feed, const Block& block) {
            given(sessions_[at], feed, block);
        };
        session.feeds.clear();
        session.promised.clear();
    }

    // ---- what is checked ----

    void given(Session& session, const FeedName& feed, const Block& block) {
        const auto found = session.feeds.find(feed.number);
        if (found == session.feeds.end()) return fail("something is given to a feed that is not open");
        Expected& expected = found->second;
        const Room& room = rooms_[expected.room];
        ++counts_.given;
        for (; expected.next < block.first; ++expected.next) {
            const bool own = room.log[expected.next - 1] == session.number && expected.next > expected.own_after;
            if (!own) return fail("an entry was passed over");
            ++counts_.own;
        }
        if (block.first < expected.next) return fail("an entry is given twice");
        if (session.session->ends.contains(feed.number)) return fail("an entry is given to a feed that has ended");
        if (block.last > room.heard) return fail("an entry is given that was not told");
        const auto removed = room.removed.find(expected.user);
        if (removed != room.removed.end() && removed->second > expected.as_of && block.last > removed->second)
            return fail("an entry is given that is above the end of the membership");
        if ((block.encodings & ~encodings_of(session)) != 0) return fail("an entry is given that cannot be read");
        expected.next = block.last + 1;
        given_now_[expected.room].insert(session.number);
        if (given_now_[expected.room].size() > most_in_turn_) fail("too many are given something in one turn");
    }
    EncodingSet encodings_of(const Session& session) const { return (&session - sessions_.data()) % 2 == 0 ? 2 : 0; }

    // Everything that is under way arrives; then every feed has everything.
    void settle() {
        for (Session& each : sessions_) {
            each.session->attached = each.session->memory = true;
            hear(each);
        }
        for (int i = 0; i < 100'000 && wrong_.empty(); ++i) {
            given_now_.clear();
            if (!mail_.empty()) {
                run(mail_);
            } else if (turn_wanted_) {
                take_turn();
            } else if (!home_.empty()) {
                run(home_);
            } else if (!store_.empty()) {
                run_one(store_, 0);
            } else if (!results_.empty()) {
                run_one(results_, 0);
            } else if (feeds_.stuck()) {
                feeds_.retry();
            } else if (!use_room()) {
                break;
            }
        }
        for (Session& session : sessions_) {
            counts_.ended += session.session->ends.size();
            for (const auto& [number, expected] : session.feeds) {
                const Room& room = rooms_[expected.room];
                std::uint64_t next = expected.next;
                while (next <= room.log.size() && room.log[next - 1] == session.number && next > expected.own_after)
                    ++next;
                const auto removed = room.removed.find(expected.user);
                const bool over = removed != room.removed.end() && removed->second > expected.as_of;
                if (over && !session.session->ends.contains(number)) fail("a feed outlives the membership");
                if (!over && session.session->ends.contains(number)) fail("a feed ended, and the user is a member");
                if (!over && next != room.log.size() + 1) fail("a feed was not given everything");
            }
        }
    }
    // False: nobody waits for any.
    bool use_room() {
        bool wanted = false;
        for (Session& each : sessions_) {
            given_now_.clear();
            wanted |= each.session->wants;
            std::fill(each.session->waiting.begin(), each.session->waiting.end(), 0);
            feeds_.room(*each.session);
        }
        return wanted;
    }

    // ---- what happens ----

    void step() {
        Session& session = sessions_[any(sessions_.size())];
        Room& room = rooms_[any(kRooms)];
        given_now_.clear();
        if (turn_wanted_ && one_of(4)) return take_turn();
        switch (any(19)) {
            case 0:
            case 1: return append(room);
            case 2: return change(room);
            case 3:
            case 4: return subscribe(session, room);
            case 5: {
                const FeedRecord* const feed = one_of(4) ? feeds_.find(*session.session, room.key) : nullptr;
                if (feed == nullptr || feed->opening()) return;
                session.feeds.erase(feed->name().number);
                return feeds_.close(*session.session, room.key);
            }
            case 6:
                if (one_of(8)) begin_session(static_cast<std::size_t>(&session - sessions_.data()));
                return;
            case 7:
                if (one_of(3)) session.session->attached = !session.session->attached;
                if (one_of(5)) session.session->memory = !session.session->memory;
                return feeds_.room(*session.session);
            case 8:
            case 9:
                std::fill(session.session->waiting.begin(), session.session->waiting.end(), any(3));
                return feeds_.room(*session.session);
            case 10:
                if (feeds_.stuck()) feeds_.retry();
                return;
            case 11:
            case 12: return run(mail_);
            case 13: return run(home_);
            case 14: return run_one(results_, any(results_.size() + 1));
            case 15: return read_list(session);
            case 16: return one_of(2) ? hear(session) : void();
            default: return run_one(store_, any(store_.size() + 1));
        }
    }
    void take_turn() {
        turn_wanted_ = false;
        ++counts_.turns;
        feeds_.go_on();
    }
    void append(Room& room) {
        const SessionKey sender = sessions_[any(sessions_.size())].number;
        const std::uint64_t count = 1 + any(6);
        for (std::uint64_t i = 0; i < count; ++i)
            room.log.push_back(one_of(4) ? sessions_[any(sessions_.size())].number : sender);
        home_.push_back([this, &room, last = room.log.size()] { tell(room, last, !one_of(8)); });
    }
    void change(Room& room) {
        const Row user = 1 + any(kUsers);
        if (room.joined.contains(user) && one_of(2)) return;
        room.log.push_back(0);
        const std::uint64_t offset = room.log.size();
        const bool removal = room.joined.erase(user) != 0;
        if (removal) {
            room.removed[user] = offset;
        } else {
            room.joined[user] = offset;
        }
        home_.push_back([this, &room, user, offset, removal] {
            tell(room, offset, false);
            if (!removal || !room.generation) return;
            mail_.push_back([this, &room, user, offset] { feeds_.removed(room.key, user, offset); });
        });
    }
    // Its home, at the end of a turn.
    void tell(Room& room, std::uint64_t last, bool blocks) {
        std::vector<BlockPtr> made;
        if (blocks) {
            for (std::uint64_t at = room.head + 1; at <= last;) {
                const std::uint64_t end = std::min(at + any(3), last);
                made.push_back(make(room, at, end, one_of(3) ? 2 : 0, true));
                at = end + 1;
            }
        }
        room.head = last;
        if (!room.generation) return;
        mail_.push_back([this, &room, last, made] {
            const std::uint64_t before = counts_.given;
            room.heard = std::max(room.heard, last);
            feeds_.told(room.key, last, made);
            counts_.live += counts_.given - before;
        });
    }
    BlockPtr make(const Room& room, std::uint64_t first, std::uint64_t last, EncodingSet encodings, bool live) {
        SessionKey sole = room.log[first - 1];
        for (std::uint64_t at = first; at <= last; ++at) {
            if (room.log[at - 1] != sole) sole = 0;
        }
        return block_of(first, last, live ? sole : 0, encodings, 50 + any(200));
    }
    void subscribe(Session& session, Room& room) {
        if (feeds_.find(*session.session, room.key) != nullptr) return;
        Feed* const feed = feeds_.subscribe(*session.session, room.key, static_cast<Lane>(index_of(room) % 2));
        feeds_.begin(*feed);
    }
    // A page of the list of the session's user: it says what the log and the membership are, and the feeds begin when
    // it has been given to the session.
    void read_list(Session& session) {
        store_.push_back([this, number = session.number] {
            const Row user = 1 + (index_of_session(number) % kUsers);
            std::vector<Expected> page;
            for (Room& room : rooms_) {
                const std::uint64_t end = room.log.size();
                if (room.joined.contains(user)) page.push_back({index_of(room), user, end + 1, end, UINT64_MAX});
            }
            results_.push_back([this, number, page] { give_list(number, page); });
        });
    }
    void give_list(std::uint64_t number, const std::vector<Expected>& page) {
        Session& session = sessions_[index_of_session(number)];
        if (session.number != number) return;
        session.session->heard = false;
        for (const Expected& each : page) {
            const model::ConversationKey& key = rooms_[each.room].key;
            if (feeds_.find(*session.session, key) != nullptr) continue;
            Feed& feed = *feeds_.subscribe(*session.session, key, static_cast<Lane>(each.room % 2));
            session.promised[feed.number] = each;
            feeds_.begin(feed, {1 + each.room, each.user, each.as_of, each.next, true});
        }
    }
    // Everything that was given to the session so far has arrived.
    void hear(Session& session) {
        if (std::exchange(session.session->heard, true)) return;
        for (Room& room : rooms_) hear(session, room);
    }
    void hear(Session& session, const Room& room) {
        for (auto& [number, expected] : session.feeds) {
            if (expected.room == index_of(room)) expected.own_after = std::min(expected.own_after, room.heard);
        }
    }
    static void run(std::deque<Task>& tasks) {
        if (tasks.empty()) return;
        const Task task = std::move(tasks.front());
        tasks.pop_front();
        task();
    }
    // In any order: there are several threads.
    static void run_one(std::vector<Task>& tasks, std::size_t at) {
        if (tasks.empty()) return;
        at = std::min(at, tasks.size() - 1);
        const Task task = std::move(tasks[at]);
        tasks.erase(tasks.begin() + static_cast<std::ptrdiff_t>(at));
        task();
    }

    // ---- FeedsOwner ----

    void watch(const model::ConversationKey& key, std::uint64_t generation) override {
        to_home_.push_back([this, &room = room_of(key), generation] {
            room.generation = generation;
            mail_.push_back([this, &room, generation, told = room.head] {
                room.heard = std::max(room.heard, told);
                feeds_.registered(room.key, generation, told, 1 + index_of(room));
            });
        });
        post_home();
    }
    void unwatch(const model::ConversationKey& key) override {
        to_home_.push_back([&room = room_of(key)] { room.generation.reset(); });
        post_home();
    }
    // The way there takes its time, in the order of what goes there.
    void post_home() {
        store_.push_back([this] { run(to_home_); });
    }
    void open(const Feed& feed) override { read_membership(feed.session, feed.number, room_of(feed.key())); }
    void began(const Feed& feed) override {
        ++counts_.at_once;
        Session& session = sessions_[index_of_session(feed.session->key())];
        auto promised = session.promised.extract(feed.number);
        if (promised.empty()) return fail("a feed began that was not promised");
        if (feed.session->has_heard() != session.session->heard) return fail("nobody knows what was heard");
        session.feeds[feed.number] = promised.mapped();
        if (session.session->heard) hear(session, rooms_[promised.mapped().room]);
    }
    void read_membership(FeedSession* of, std::uint32_t number, Room& room) {
        const std::uint64_t session = of->key();
        store_.push_back([this, session, number, &room] {
            const std::uint64_t as_of = room.log.size();
            if (one_of(3)) change(room);  // between the two reads
            const Row user = 1 + (index_of_session(session) % kUsers);
            const bool member = room.joined.contains(user);
            results_.push_back([this, session, number, &room, as_of, member, user] {
                Session& at = sessions_[index_of_session(session)];
                if (at.number != session) return;
                Feed& feed = *feeds_.find(*at.session, room.key)->feed();
                const auto promised = at.promised.find(number);
                const bool apart = promised != at.promised.end();
                if (!member) {
                    at.promised.erase(number);
                    return feeds_.close(*at.session, room.key);
                }
                const std::uint64_t any_next = one_of(3) ? as_of + 1 : 1 + any(as_of + 1);
                const std::uint64_t next = apart ? promised->second.next : any_next;
                if (!feeds_.opened(feed, {1 + index_of(room), user, as_of, next, apart})) {
                    ++counts_.again;
                    return read_membership(at.session.get(), number, room);
                }
                at.feeds[number] = {index_of(room), user, next, as_of, apart ? UINT64_MAX : as_of};
                counts_.read_anyway += apart;
                if (apart && at.session->heard) hear(at, room);
                at.promised.erase(number);
                feeds_.start(feed);
            });
        });
    }
    // Sessions of one place follow each other.
    std::size_t index_of_session(std::uint64_t number) {
        for (std::size_t i = 0; i < sessions_.size(); ++i) {
            if (sessions_[i].number == number) return i;
        }
        return 0;
    }
    void refuse(const Feed&, errc) override {}
    void want_turn() override {
        if (std::exchange(turn_wanted_, true)) fail("a turn is asked for twice");
    }
    void read(const PageWanted& wanted) override {
        const Room& room = rooms_[wanted.conversation - 1];
        ++counts_.pages;
        store_.push_back([this, &room, wanted] {
            if (one_of(8)) {
                ++counts_.failed;
                results_.push_back([this, wanted] { feeds_.page_failed(wanted.ticket); });
                return;
            }
            std::vector<BlockPtr> blocks;
            const std::uint64_t end = std::min<std::uint64_t>(wanted.last, room.log.size());
            for (std::uint64_t at = wanted.from; at <= end && blocks.size() < 3;) {
                const std::uint64_t last = std::min(at + any(8), end);
                blocks.push_back(make(room, at, last, wanted.encodings, false));
                at = last + 1;
            }
            results_.push_back([this, wanted, blocks] { feeds_.page_read(wanted.ticket, blocks); });
        });
    }

    std::mt19937_64 chance_;
    const std::size_t most_in_turn_;
    std::vector<Room> rooms_;
    std::deque<Task> mail_;     // to the worker
    std::deque<Task> home_;     // what the store answers to it
    std::deque<Task> to_home_;  // from it
    std::vector<Task> store_;
    std::vector<Task> results_;  // of the store, to the worker
    std::uint64_t last_session_ = 0;
    std::map<std::size_t, std::set<std::uint64_t>> given_now_;  // sessions, by room, within one call of the machine
    bool turn_wanted_ = false;
    Counts counts_;
    std::string wrong_;
    Feeds feeds_;
    std::vector<Session> sessions_;
};

std::uint64_t feed_seeds() {
    const char* const more = std::getenv("FLARE_IM_SEEDS");
    return more == nullptr ? 100 : std::strtoull(more, nullptr, 10);
}

constexpr int kFeedSteps = 4000;

TEST(RandomFeeds, AreGivenTheLogFromTheirPlaceOn) {
    Counts counts;
    for (std::uint64_t seed = 1; seed <= feed_seeds(); ++seed) {
        FeedWorld world(seed);
        ASSERT_EQ(world.live(kFeedSteps), "") << "seed " << seed;
        counts += world.counts();
    }
    for (const auto& [what, count] :
         {std::pair("given", counts.given), std::pair("own", counts.own), std::pair("pages", counts.pages),
          std::pair("live", counts.live), std::pair("ended", counts.ended), std::pair("read again", counts.again),
          std::pair("failed", counts.failed), std::pair("turns", counts.turns), std::pair("at once", counts.at_once),
          std::pair("read anyway", counts.read_anyway)}) {
        EXPECT_GT(count, 20u) << what;
        RecordProperty(what, std::to_string(count));
    }
}

class PlantedFeedFault : public testing::TestWithParam<std::pair<Fault, const char*>> {};

TEST_P(PlantedFeedFault, IsNoticed) {
    struct Planted {
        explicit Planted(Fault fault) { planted_fault = fault; }
        ~Planted() { planted_fault = Fault::none; }
    };
    const Planted planted(GetParam().first);
    for (std::uint64_t seed = 1; seed <= 400; ++seed) {
        FeedWorld world(seed);
        const std::string violation = world.live(kFeedSteps);
        if (violation.empty()) continue;
        std::printf("seed %llu: %s\n", static_cast<unsigned long long>(seed), violation.c_str());
        return;
    }
    ADD_FAILURE() << "400 worlds, and nobody noticed";
}

constexpr auto kFeedFaults = std::to_array<std::pair<Fault, const char*>>({
    {Fault::feed_skips_one, "FeedSkipsOne"},
    {Fault::page_above_told, "PageAboveTold"},
    {Fault::removal_missed_behind, "RemovalMissedBehind"},
    {Fault::removal_missed_while_opening, "RemovalMissedWhileOpening"},
    {Fault::stale_page_believed, "StalePageBelieved"},
    {Fault::page_feed_late, "PageFeedLate"},
});
INSTANTIATE_TEST_SUITE_P(Feeds, PlantedFeedFault, testing::ValuesIn(kFeedFaults),
                         [](const auto& each) { return each.param.second; });

}  // namespace
}  // namespace flare::im::test
