// A room, its home, devices that write into it and a store that commits late, refuses, fails and crashes. What really
// happened is in the store's log; every answer and every commit is held against it.
#pragma once

#include "im/append.hpp"

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace flare::im::test {

inline constexpr Row kRoomRow = 7;

// Of a message: id_of() made it.
inline std::uint64_t number_of(const Uuid& id) {
    std::uint64_t number = 0;
    for (std::size_t i = 8; i < 16; ++i) number = number << 8 | id.bytes[i];
    return number;
}

class World {
public:
    struct Counts {
        std::uint64_t stored = 0, refused = 0, put_off = 0, repeats = 0, joined = 0, crashes = 0, unknown = 0,
                      changes = 0, asked = 0, held = 0, dropped = 0, invited = 0, accepted = 0, ended = 0;
        Counts& operator+=(const Counts& other);
    };

    // `trace`: prints what happens.
    explicit World(std::uint64_t seed, bool trace = false);

    // Lives through `steps` with faults, then without until everything is answered. What went wrong; empty: nothing.
    std::string live(int steps);
    const Counts& counts() const { return counts_; }

private:
    using Key = std::pair<std::uint64_t, Row>;  // number of the message, sender

    // ---- devices ----
    struct Message {
        std::uint64_t number = 0;
        std::uint64_t ordinal = 0;  // of its device
        std::uint32_t content = 0;
        std::uint32_t size = 0;
        std::uint64_t edits = 0;  // the offset of an entry; 0: it is a message
        std::optional<Command> command{};
        enum { queued, sent, put_off } state = queued;
        bool uncertain = false;  // it was sent in a session that is gone
        std::uint64_t first_sent_ms = 0;
    };
    struct Device {
        std::uint64_t number = 0;
        Row user = 0;
        SessionKey session = 0;  // 0: it is not connected
        std::deque<Message> outbox{};
        std::uint64_t ordinals = 0;
        std::uint64_t wait_until_ms = 0;
        std::uint64_t connect_at_ms = 0;
        std::deque<std::pair<std::uint64_t, bool>> to_server{};  // numbers, and whether it says that it is a repeat
        std::deque<effect::Answer> to_client{};
    };
    void device_step(Device& device);
    void write(Device& device);
    Command a_command();
    void send_what_may_go(Device& device);
    void hear(Device& device);
    void disconnect(Device& device);
    void deliver(Device& device);
    void lie();
    Message* find(Device& device, std::uint64_t number);

    // ---- the server's process ----
    struct Kept {  // what the server keeps under a token
        Message message;
        std::uint64_t device = 0;
        std::uint64_t counted_ms = 0;  // it came before the room was read, and counted then
        bool repeat = false;
    };
    void start();
    void crash();
    void act();  // on all effects
    void on(const effect::Answer& answer);
    void read(const Effect& effect);
    void answer_read();
    void turn();

    // ---- the store ----
    struct Write {
        Ticket ticket = 0;
        Kept what{};
        std::optional<Plan> plan{};
        std::uint64_t handed_ms = 0;
    };
    struct Entry {
        std::uint64_t offset = 0;
        std::uint32_t content = 0;
        std::uint64_t time_ms = 0;
    };
    using Group = std::vector<Write>;
    void check_rate(const Write& write);
    void store_step();
    std::vector<std::pair<Outcome, errc>> commit(const Group& group);
    void answer(const Group& group, const std::vector<std::pair<Outcome, errc>>& outcomes);
    void put_off(const Group& group, errc code);
    void check_entry(const Write& write);
    void check_invitations(const Write& write, std::string_view which);
    std::uint64_t invitations() const;
    bool in_store(const Key& key) const;

    bool chance(std::uint32_t percent) { return !calm_ && random_() % 100 < percent; }
    std::uint64_t any(std::uint64_t below) { return random_() % below; }
    void fail(std::string what);
    void note(const char* what, std::uint64_t device, std::uint64_t number, std::string_view more = {}) const;
    bool all_answered() const;

    std::mt19937_64 random_;
    const bool trace_;
    std::string violation_;
    Counts counts_;
    bool calm_ = false;
    Now now_{};
    Limits limits_;
    std::vector<Device> devices_;
    std::uint64_t numbers_ = 0;
    SessionKey sessions_ = 0;
    std::map<SessionKey, std::uint64_t> device_of_;
    std::set<SessionKey> strangers_;  // sessions that send other content under an id that is on its way

    std::unique_ptr<DeviceRates> rates_;
    std::unique_ptr<Append> append_;
    Effects out_;
    std::map<Token, Kept> kept_;
    Token tokens_ = 0;
    std::uint64_t places_ = 0;
    std::deque<std::pair<Effect, bool>> reads_;  // and whether its answer is of when it was asked: not found
    std::vector<SessionKey> gone_;               // the server does not know yet
    struct Counted {
        std::uint64_t at_ms = 0;
        bool unread_repeat = false;
    };
    std::map<std::uint64_t, std::vector<Counted>> handed_in_life_;  // by device, in the order of time

    std::map<Key, Entry> log_;
    std::vector<About> entries_;  // offset 1 first
    std::uint64_t last_ = 0;
    // Refused for good, or changes that changed nothing: nobody remembers them. When the answer is lost, the repeat is
    // judged anew, and may stand behind what came later.
    std::set<std::uint64_t> left_no_entry_;
    std::map<std::uint64_t, std::uint64_t> last_ordinal_;  // in the log, by device
    std::map<Row, model::Member> members_;
    model::Config config_{};
    Group group_;  // in the store
    bool failed_ = false;
    bool slow_ = false;
    std::optional<std::vector<std::pair<Outcome, errc>>> unknown_;  // what became of it, which nobody can say yet
};

}  // namespace flare::im::test
