// A room of a thousand, with ten who send as much as it takes, from which a hundred are removed meanwhile: what
// everybody is told, frame by frame. Two thirds of them do not read for a while, or have used up their credit: their
// feeds are behind, in memory or in the store.
#include "unit/im_with_faults/plant.hpp"
#include "unit/server/conversation_bench.hpp"
#include "wire/entries.hpp"
#include "wire/feeds.hpp"

#include <algorithm>
#include <cstdio>
#include <random>
#include <set>

namespace flare::server::test {
namespace {

constexpr std::size_t kPeople = 1000;
constexpr std::size_t kSpeakers = 10;
constexpr std::size_t kRemoved = 100;
constexpr std::size_t kSaid = 60;  // messages of each speaker
constexpr std::size_t kAddedAtOnce = 100;
constexpr std::size_t kMostAsked = 8;  // requests of a session at a time
constexpr std::size_t kAckEvery = 16;  // frames

class CrowdedRoom : public ConversationsOnShards {
protected:
    struct Person {
        std::string name;
        std::shared_ptr<Line> line;
        Uuid subscribing;           // the request
        session::Seq said = 0;      // frames to the server
        session::Seq heard = 0;     // and from it
        session::Seq answered = 0;  // of those
        std::size_t asks = 0;       // requests without an answer
        bool acks = true;
        bool speaks = false;
        std::size_t messages = 0;
        std::uint64_t newest = 0;            // offset that it was told
        std::uint64_t first = 0;             // that its feed tells
        std::set<std::uint64_t> told;        // offsets, by its feed
        std::set<std::uint64_t> own;         // by receipts
        std::optional<std::uint64_t> ended;  // what the feed said about the removal
    };
    struct Seen {
        std::size_t behind = 0;  // whose feed was behind when they were removed
        std::uint64_t pages = 0;
        std::uint64_t told = 0;
    };

    // What went wrong; empty: nothing.
    std::string live(std::uint64_t seed) {
        chance_.seed(seed);
        gather();
        store.by_hand = true;
        while (wrong_.empty() && (to_say_ != 0 || to_remove_ != 0)) step();
        settle();
        judge();
        return wrong_;
    }
    const Seen& seen() const { return seen_; }

private:
    std::uint64_t any(std::uint64_t below) { return chance_() % below; }
    void fail(const std::string& what) {
        if (wrong_.empty()) wrong_ = what;
    }
    void say(Person& person, const std::string& frames) { bench->bring(person.line, frames); }

    void gather() {
        Config config = plain_config(2);
        config.conversations.limits.device = config.conversations.limits.conversation = {1'000'000, 1'000'000};
        bench = std::make_unique<ShardBench>(std::move(config), nullptr, &store);
        for (std::size_t i = 0; i < kPeople; ++i) {
            Person& person = people_.emplace_back();
            person.name = "user" + std::to_string(i);
            person.line = session_of(person.name, 1);
            person.speaks = i < kSpeakers;
        }
        Person& owner = people_.front();
        wire::im::ConversationCreate create;
        create.name = "crowd";
        ask(owner, Verb::conversation_create, create);
        for (std::size_t i = 0; i < kPeople; i += kAddedAtOnce) {
            wire::im::MemberChange add;
            add.conversation = "room:crowd";
            for (std::size_t k = i; k < i + kAddedAtOnce; ++k) add.users.push_back(people_[k].name);
            ask(owner, Verb::member_add, add);
        }
        for (const auto& [request, response] : responses(*owner.line)) ASSERT_EQ(response.code, errc::ok);
        wire::im::Subscribe subscribe;
        subscribe.conversation = "room:crowd";
        for (Person& each : people_) each.subscribing = ask(each, Verb::subscribe, subscribe);
        for (Person& each : people_) {
            listen(each);
            ASSERT_NE(each.first, 0u) << each.name << " has no feed";
        }
    }
    template <typename Body>
    Uuid ask(Person& person, Verb verb, const Body& body) {
        ++person.asks;
        const session::Seq number = ++person.said;
        const auto id = static_cast<std::uint8_t>(number);  // nobody says 256 things
        say(person, request(number, id, verb, body));
        return message_id(id);
    }

    // ---- what happens ----

    void step() {
        switch (any(8)) {
            case 0:
            case 1:
            case 2: return speak(people_[any(kSpeakers)]);
            case 3: return remove_somebody();
            case 4:
            case 5: return work(1 + any(6));
            default:
                for (int i = 0; i < 40; ++i) turn_away(people_[any(kPeople)]);
        }
    }
    void speak(Person& speaker) {
        std::string frames;
        for (std::uint64_t left = 1 + any(5); left != 0 && speaker.messages < kSaid; --left, --to_say_) {
            const session::Seq number = ++speaker.said;
            frames += data(number, static_cast<std::uint8_t>(number), std::to_string(++speaker.messages), "room:crowd");
        }
        if (!frames.empty()) say(speaker, frames);
        hear();
    }
    void remove_somebody() {
        if (to_remove_ == 0 || people_.front().asks == kMostAsked) return;
        Person& person = people_[kSpeakers + any(kPeople - kSpeakers)];
        if (!asked_.insert(person.name).second) return;
        --to_remove_;
        seen_.behind += person.newest < newest_ ? 1 : 0;
        wire::im::MemberChange out;
        out.conversation = "room:crowd";
        out.users = {person.name};
        Person& owner = people_.front();
        ask(owner, Verb::member_remove, out);
        hear();
    }
    void work(std::uint64_t count) {
        for (; count != 0 && !store.work.empty(); --count) bench->run_store();
        bench->settle();
        hear();
    }
    // Two thirds stop to read, or to acknowledge, and begin again.
    void turn_away(Person& person) {
        const auto at = static_cast<std::size_t>(&person - people_.data());
        if (person.speaks || at % 3 == 0) return;
        if ((!person.line->writable || !person.acks) && any(3) != 0) return;
        if (at % 3 == 1) {
            read(person, !person.line->writable);
        } else {
            person.acks = !person.acks;
            if (person.acks) acknowledge(person);
        }
    }
    void read(Person& person, bool reads) {
        person.line->writable = reads;
        if (!reads) return;
        person.line->handler->on_writable();
        bench->settle();
        listen(person);
    }
    // Everybody reads, and everything that is under way arrives.
    void settle() {
        store.by_hand = false;
        for (Person& each : people_) each.acks = true;
        for (Person& each : people_) read(each, true);
        for (bool quiet = false; !quiet;) {
            bench->settle();
            quiet = !hear();
            for (Person& each : people_) {
                if (each.heard == each.answered) continue;
                acknowledge(each);
                quiet = false;
            }
        }
        for (const auto& loop : bench->loops) seen_.pages += loop->shard.stats().feeds.pages;
    }

    // ---- what is heard ----

    // False: nobody heard anything.
    bool hear() {
        bool some = false;
        for (Person& each : people_) {
            if (each.line->sent.empty()) continue;
            some = true;
            listen(each);
            if (each.acks && each.heard >= each.answered + kAckEvery) acknowledge(each);
        }
        return some;
    }
    void acknowledge(Person& person) {
        person.answered = person.heard;
        wire::FrameHeader header;
        header.acks.push_back({0, person.heard, person.heard + 64, std::uint64_t{1} << 30});
        wire::Batch batch;
        batch.add(header);
        say(person, batch.str());
    }
    void listen(Person& person) {
        for (const std::string& batch : std::exchange(person.line->sent, {})) {
            for (const wire::FrameView& frame : frames_of(batch)) {
                if (frame.seq != 0) person.heard = frame.seq;
                if (frame.kind == wire::FrameKind::feed) take(person, *wire::im::decode<wire::im::Feed>(frame.body));
                if (frame.kind == wire::FrameKind::receipt) {
                    const auto receipt = *wire::decode_receipt(frame.body);
                    if (receipt.status != Status::stored) refused(person, static_cast<errc>(receipt.code));
                    person.own.insert(receipt.stored.position.offset);
                }
                if (frame.kind != wire::FrameKind::response) continue;
                const auto response = *wire::decode_response(frame.body);
                --person.asks;
                if (response.code != errc::ok) refused(person, response.code);
                if (response.id == person.subscribing && response.code == errc::ok)
                    person.first = wire::im::decode<wire::im::Subscribed>(response.body)->next;
            }
        }
        if (person.line->closed) fail(person.name + " has lost the connection");
    }
    void refused(const Person& person, errc code) { fail(person.name + " was refused: " + std::string(name(code))); }
    void take(Person& person, const wire::im::Feed& feed) {
        if (person.ended) fail(person.name + " was told something behind the end of the membership");
        for (const wire::im::Entry& entry : feed.entries) {
            if (entry.offset <= person.newest) fail(person.name + " was told an entry again, or out of order");
            person.newest = entry.offset;
            newest_ = std::max(newest_, entry.offset);
            person.told.insert(entry.offset);
            ++seen_.told;
        }
        if (feed.reset) fail(person.name + " was told of a gap");
        if (feed.removed != 0) person.ended = feed.removed;
    }

    // ---- what is true ----

    void judge() {
        const auto reader = store.engine->reader();
        const auto room = *reader->conversation(model::ConversationKey::room("crowd"));
        const std::uint64_t last = room->head.last.offset;
        std::map<std::string, std::uint64_t> removed;
        for (std::uint64_t at = 1; at <= last;) {
            const auto page = *reader->page(
                {.conversation = room->row, .from = at, .direction = store::Direction::forward, .limit = 200});
            for (const store::Entry& entry : page.entries) {
                at = entry.offset + 1;
                if (entry.kind != model::EntryKind::membership) continue;
                const wire::ConversationChange change = *wire::decode_conversation_change(entry.payload);
                for (const wire::ChangedMember& each : change.members) {
                    if (each.role == model::Role::none) removed[**reader->user_name(each.row)] = entry.offset;
                }
            }
        }
        if (removed.size() != kRemoved) fail("not everybody was removed who was to be");
        for (const Person& each : people_) {
            const auto out = removed.find(each.name);
            if (out != removed.end()) {
                if (each.ended != out->second) fail(each.name + " was not told where the membership ended");
                if (each.newest > out->second) fail(each.name + " was told an entry above the removal");
                // Without a hole, as far as it goes.
                if (!each.told.empty() && each.told.size() != each.newest - each.first + 1)
                    fail(each.name + " has missed an entry");
                continue;
            }
            if (each.ended) fail(each.name + " was told of a removal, and is a member");
            for (std::uint64_t at = each.first; at <= last; ++at) {
                if (!each.told.contains(at) && !each.own.contains(at)) fail(each.name + " has missed an entry");
            }
        }
        for (const auto& loop : bench->loops) {
            loop->shard.conversations()->feeds.machine().check_invariants();
            loop->shard.conversations()->home.check_invariants();
        }
    }

    std::mt19937_64 chance_;
    std::vector<Person> people_;
    std::size_t to_say_ = kSpeakers * kSaid;
    std::size_t to_remove_ = kRemoved;
    std::set<std::string> asked_;  // who was to be removed
    std::uint64_t newest_ = 0;     // offset that anybody was told
    Seen seen_;
    std::string wrong_;
};

TEST_F(CrowdedRoom, TellsWhoIsRemovedNothingFromThenOnAndTheOthersEverything) {
    EXPECT_EQ(live(1), "");
    EXPECT_GE(seen().behind, kRemoved / 5) << "whose feeds were behind";
    EXPECT_GT(seen().pages, 10u) << "and in the store";
    EXPECT_GT(seen().told, (kPeople - kRemoved) * kSpeakers * kSaid / 2);
    RecordProperty("behind", std::to_string(seen().behind));
    RecordProperty("pages", std::to_string(seen().pages));
}

TEST_F(CrowdedRoom, NoticesAFeedThatOutlivesTheMembership) {
    const im::test::RemovalMissedBehind fault;
    const std::string violation = live(1);
    EXPECT_NE(violation, "");
    std::printf("%s\n", violation.c_str());
}

}  // namespace
}  // namespace flare::server::test
