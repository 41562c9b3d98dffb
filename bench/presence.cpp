// All connections break at once, and everybody is back within the grace: whoever follows them is told nothing. Then
// everybody but the followers stays away: of each, its follower is told once that it is offline, in notices that come
// at most once a second.
//
// Options: --sessions N (default 10,000), --followers N (default 100), --each N (users whom one follows, default 100),
// --grace S (default 20), --transport ws|wss|quic, --workers W (default 1), --json. Ends with 0 when all of that was
// so.
#include "bench.hpp"
#include "session_load.hpp"

#include "wire/signals.hpp"

#include <flare/server.hpp>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

namespace flare::bench {
namespace {

using wire::im::Presence;

constexpr std::size_t kDialledAtOnce = 256;
constexpr auto kToldWithin = std::chrono::seconds(3);  // of the end of a grace: a notice a second, and some slack
constexpr double kSlack = 0.5;                         // seconds that a notice may be late, and the next one not
constexpr double kSecondNs = 1e9;

struct PresenceShape {
    std::size_t sessions = 10'000;
    std::size_t followers = 100;
    std::size_t each = 100;
    std::chrono::milliseconds grace = std::chrono::seconds(20);
};

class PresenceStorm {
public:
    PresenceStorm(const ServerOptions& where, const PresenceShape& shape)
        : shape_(shape),
          server_(where),
          load_([](LoadClient&, std::string_view, std::string_view) {},
                {[this](LoadClient&, const wire::ResponseView& response) { answered(response); },
                 [](LoadClient&, const wire::im::Feed&) {},
                 {},
                 [this](LoadClient& client, std::string_view notice) { noticed(client.index(), notice); }}),
          told_(shape.followers) {
        load_.connect(where, server_.port(), shape.sessions);
        load_.on_ready([this](LoadClient&) { ++returned_; });
        for (std::size_t follower = 0; follower < shape.followers; ++follower) follow(follower);
        if (!load_.run_until([this] { return answers_ == shape_.followers; }, std::chrono::seconds(60)))
            throw std::runtime_error("presence: the server does not answer");
    }

    // Of those who were subscribed to, how many the snapshots said to be online.
    std::size_t online() const noexcept { return online_; }

    // Everybody's connection goes, and everybody comes back. Until all were back, in seconds; 0: they were not.
    double break_and_return() {
        const std::uint64_t began = now_ns();
        for (const auto& client : load_.clients()) client->drop();
        returned_ = 0;
        std::size_t dialled = 0;
        const auto window = [&] { return dialled < returned_ + kDialledAtOnce; };
        for (const auto& client : load_.clients()) {
            if (!load_.run_until(window, std::chrono::minutes(1))) return 0;
            load_.dial_again(*client);
            ++dialled;
        }
        if (!load_.run_until([&] { return returned_ == dialled; }, std::chrono::minutes(1))) return 0;
        const double took = static_cast<double>(now_ns() - began) / kSecondNs;
        const auto rest = shape_.grace + kToldWithin - std::chrono::nanoseconds(now_ns() - began);
        if (rest > std::chrono::nanoseconds(0)) load_.run_for(rest);
        return took;
    }
    // Those who are followed go, and do not come back.
    void stay_away() {
        for (std::size_t i = shape_.followers; i < load_.clients().size(); ++i) load_.clients()[i]->drop();
        load_.run_until([this] { return offline_told_ >= shape_.followers * shape_.each; },
                        shape_.grace + std::chrono::seconds(60));
        load_.run_for(kToldWithin);
    }

    std::size_t offline_told() const noexcept { return offline_told_; }
    std::size_t told_twice() const noexcept { return told_twice_; }
    std::size_t batches() const {
        std::size_t all = 0;
        for (const Told& each : told_) all += each.at.size();
        return all;
    }
    // Batches of one follower beyond one a second, of the worst.
    std::size_t batches_too_many() const {
        std::size_t most = 0;
        for (const Told& each : told_) {
            if (each.at.empty()) continue;
            const double span = static_cast<double>(each.at.back() - each.at.front()) / kSecondNs;
            const auto allowed = static_cast<std::size_t>(std::floor(span + kSlack)) + 1;
            most = std::max(most, each.at.size() - std::min(each.at.size(), allowed));
        }
        return most;
    }
    std::uint64_t failures() const noexcept { return load_.failures(); }
    double server_cpu_seconds() const { return static_cast<double>(server_.cpu_ns()) / kSecondNs; }

private:
    struct Told {
        std::vector<std::uint64_t> at{};  // ns, of notices
        std::set<std::string> offline{};
    };

    void follow(std::size_t follower) {
        const std::size_t others = shape_.sessions - shape_.followers;
        std::vector<std::string> names;
        for (std::size_t i = 0; i < shape_.each; ++i)
            names.push_back(load_.user_of(shape_.followers + (follower * shape_.each + i) % others));
        wire::im::PresenceUsers users;
        users.users.assign(names.begin(), names.end());
        load_.clients()[follower]->ask(wire::Verb::presence_subscribe, wire::im::encode(users), {});
        load_.clients()[follower]->flush();
    }
    void answered(const wire::ResponseView& response) {
        ++answers_;
        const auto snapshot = wire::im::decode<wire::im::PresenceSnapshot>(response.body);
        if (!snapshot) throw std::runtime_error("presence: a snapshot cannot be read");
        online_ += static_cast<std::size_t>(
            std::ranges::count(snapshot->states, Presence::online, &wire::im::PresenceState::state));
    }
    void noticed(std::size_t follower, std::string_view body) {
        const auto notice = wire::im::decode<wire::im::Notice>(body);
        if (!notice || follower >= told_.size() || notice->presence.empty()) return;
        Told& told = told_[follower];
        told.at.push_back(now_ns());
        for (const wire::im::PresenceState& each : notice->presence) {
            if (each.state == Presence::online) continue;
            ++offline_told_;
            if (!told.offline.emplace(each.user).second) ++told_twice_;
        }
    }

    const PresenceShape shape_;
    ServerProcess server_;
    SessionLoad load_;
    std::vector<Told> told_;  // by follower
    std::size_t answers_ = 0;
    std::size_t online_ = 0;
    std::size_t returned_ = 0;
    std::size_t offline_told_ = 0;
    std::size_t told_twice_ = 0;
};

}  // namespace

int bench_presence(int argc, char** argv) {
    PresenceShape shape;
    ServerOptions where;
    bool json = false;
    for (int i = 1; i < argc; ++i) {
        const std::string_view option = argv[i];
        const auto number = [&](std::size_t least, std::size_t most) {
            return std::clamp<std::size_t>(std::strtoull(argv[++i], nullptr, 10), least, most);
        };
        if (option == "--json") {
            json = true;
        } else if (option == "--sessions" && i + 1 < argc) {
            shape.sessions = number(4, 18'000);
        } else if (option == "--followers" && i + 1 < argc) {
            shape.followers = number(1, 10'000);
        } else if (option == "--each" && i + 1 < argc) {
            shape.each = number(1, 1'000);
        } else if (option == "--grace" && i + 1 < argc) {
            shape.grace = std::chrono::seconds(number(1, 3'600));
        } else if (!where.take(argc, argv, i)) {
            std::fprintf(stderr, "presence: unknown option %s\n", argv[i]);
            return 2;
        }
    }
    shape.followers = std::min(shape.followers, shape.sessions / 2);
    shape.each = std::min(shape.each, shape.sessions - shape.followers);
    where.stored = true;
    where.configure = [grace = shape.grace](ServerBuilder& builder) { builder.presence_grace(grace); };
    const std::size_t followed = shape.followers * shape.each;

    PresenceStorm storm(where, shape);
    const double back = storm.break_and_return();
    const std::size_t flicker = storm.offline_told();
    const std::size_t batches_of_return = storm.batches();
    storm.stay_away();
    const std::size_t told = storm.offline_told() - flicker;
    const bool in_time = back > 0 && back < std::chrono::duration<double>(shape.grace).count();
    const bool good = in_time && storm.online() == followed && flicker == 0 && told == followed &&
                      storm.told_twice() == 0 && storm.batches_too_many() == 0 && storm.failures() == 0;
    std::fprintf(for_people(json),
                 "presence: %zu sessions, %zu subscriptions of %zu followers, %zu online; all back %.2f s after all "
                 "connections broke: %zu were said to be offline in %zu batches; away beyond the grace of %.0f s: %zu "
                 "told in %zu batches, %zu twice, %zu batches above one a second; the server took %.1f s of CPU; %llu "
                 "failures: %s\n",
                 shape.sessions, followed, shape.followers, storm.online(), back, flicker, batches_of_return,
                 std::chrono::duration<double>(shape.grace).count(), told, storm.batches() - batches_of_return,
                 storm.told_twice(), storm.batches_too_many(), storm.server_cpu_seconds(),
                 static_cast<unsigned long long>(storm.failures()), good ? "good" : "NOT good");
    if (json)
        std::printf(
            "{\"sessions\":%zu,\"followers\":%zu,\"subscriptions\":%zu,\"online\":%zu,\"seconds_until_all_back\":%.3f,"
            "\"offline_told\":%zu,\"batches_of_return\":%zu,\"away_told\":%zu,\"batches\":%zu,\"told_twice\":%zu,"
            "\"batches_above_one_a_second\":%zu,\"server_cpu_s\":%.2f,\"failures\":%llu}\n",
            shape.sessions, shape.followers, followed, storm.online(), back, flicker, batches_of_return, told,
            storm.batches() - batches_of_return, storm.told_twice(), storm.batches_too_many(),
            storm.server_cpu_seconds(), static_cast<unsigned long long>(storm.failures()));
    return good ? 0 : 1;
}

}  // namespace flare::bench
