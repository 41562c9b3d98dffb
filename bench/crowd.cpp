// A room of very many members, most of whom are away, beside one of ten: what of it a server pays for those who are not
// there. The store is filled first; then some of the members connect.
//
// What a message costs is measured with the same ten subscribers in both rooms, in turns, so that the one difference is
// how many members there are. Then the others subscribe.
//
// Options: --members N (default 100,000), --online N (default 2,000), --rounds N (default 7), --seconds S of each
// measurement (default 1), --json; --messages N: so many into the large room, or with --few into the small one, one at
// a time, and nothing else (for counting instructions with callgrind, as bench/guard.py does).
#include "bench.hpp"
#include "session_load.hpp"
#include "sync_ground.hpp"

#include "wire/feeds.hpp"
#include "wire/requests.hpp"

#include <algorithm>
#include <stdexcept>
#include <string>
#include <vector>

namespace flare::bench {
namespace {

constexpr std::size_t kFew = 10;          // members of the small room, and subscribers of both
constexpr std::size_t kAtOnce = 16;       // messages under way
constexpr std::size_t kAskedAtOnce = 64;  // requests under way
constexpr std::size_t kQuestions = 200;   // a question is asked, for its median
constexpr std::uint32_t kFillCacheKib = 1024 * 1024;
constexpr std::string_view kSmall = "few";

class Crowd {
public:
    Crowd(const ServerOptions& where, std::string large, std::size_t online)
        : large_(std::move(large)),
          small_("room:" + std::string(kSmall)),
          server_(where),
          load_([](LoadClient&, std::string_view, std::string_view) {},
                {[this](LoadClient&, const wire::ResponseView& response) { answered(response); },
                 [this](LoadClient&, const wire::im::Feed& feed) { entries_ += feed.entries.size(); },
                 [this](LoadClient& client, const session::Outcome&) { stored(client); }}) {
        load_.connect(where, server_.port(), online, true);
        wire::im::ConversationCreate create;
        create.name = kSmall;
        std::vector<std::string> names;
        for (std::size_t i = 1; i < kFew; ++i) names.push_back(load_.user_of(i));
        create.members.assign(names.begin(), names.end());
        ask(0, wire::Verb::conversation_create, wire::im::encode(create), small_);
        finish();
        for (std::size_t i = 0; i < kFew; ++i)
            for (const std::string* const room : {&large_, &small_}) subscribe(i, *room);
        finish();
    }

    // CPU time of the server for one message into the room, microseconds.
    double cpu_of_send(bool large, double seconds) {
        room_ = large ? &large_ : &small_;
        const std::uint64_t messages = messages_;
        const std::uint64_t cpu = server_.cpu_ns();
        running_ = true;
        for (std::size_t i = 0; i < kAtOnce; ++i) send(i % kFew);
        load_.run_for(std::chrono::nanoseconds(static_cast<std::int64_t>(seconds * 1e9)));
        running_ = false;
        await([this] { return under_way_ == 0; });
        const std::uint64_t sent = messages_ - messages;
        if (sent == 0) throw std::runtime_error("crowd: nothing was stored");
        return static_cast<double>(server_.cpu_ns() - cpu) / 1000 / static_cast<double>(sent);
    }
    // Median time of an answer, milliseconds: one at a time.
    template <typename Ask>
    double median_ms(std::size_t times, const Ask& ask_nth) {
        Latencies latencies;
        for (std::size_t i = 0; i < times; ++i) {
            const std::uint64_t began = now_ns();
            ask_nth(i);
            finish();
            latencies.add(now_ns() - began);
        }
        return latencies.percentile_us(0.5) / 1000;
    }
    double join_ms() {
        const std::string room = wire::im::encode(wire::im::ConversationRef{large_});
        // Members who leave, so that they can come back.
        for (std::size_t i = 0; i < kQuestions; ++i) ask(leaver(i), wire::Verb::conversation_leave, room, large_);
        finish();
        return median_ms(kQuestions,
                         [&](std::size_t i) { ask(leaver(i), wire::Verb::conversation_join, room, large_); });
    }
    double page_ms() {
        return median_ms(kQuestions, [&](std::size_t i) {
            ask_page(SyncGround::user_name(i * 337 % load_.clients().size()), wire::im::kMaxPage);
        });
    }
    void send_messages(bool large, std::uint64_t count) {
        room_ = large ? &large_ : &small_;
        for (std::uint64_t i = 0; i < count; ++i) {
            send(i % kFew);
            await([this] { return under_way_ == 0; });
        }
    }
    // Of the server for each member who has subscribed, bytes. The pages of rows that the store's readers keep are
    // bounded, whoever is there: they have read those of all members before.
    double bytes_a_member() {
        for (int each_reader = 0; each_reader < 4; ++each_reader) {
            for (const auto& client : load_.clients()) ask_page(load_.user_of(client->index()), 1);
        }
        finish();
        load_.run_for(std::chrono::seconds(3));
        const std::uint64_t before = server_.memory_bytes();
        for (std::size_t i = kFew; i < load_.clients().size(); ++i) subscribe(i, large_);
        finish();
        load_.run_for(std::chrono::seconds(3));
        const auto more = static_cast<double>(server_.memory_bytes()) - static_cast<double>(before);
        return more / static_cast<double>(load_.clients().size() - kFew);
    }
    // Entries that came to subscribers for one message, when all who are online have subscribed.
    double entries_of_send() {
        const std::uint64_t entries = entries_;
        const std::uint64_t messages = messages_;
        (void)cpu_of_send(true, 0.1);
        load_.run_for(std::chrono::seconds(2));
        return static_cast<double>(entries_ - entries) / static_cast<double>(messages_ - messages);
    }
    std::uint64_t failures() const noexcept { return load_.failures(); }

private:
    std::size_t leaver(std::size_t nth) { return kFew + 1 + nth % (load_.clients().size() - kFew - 1); }
    void subscribe(std::size_t client, const std::string& room) {
        wire::im::Subscribe body;
        body.conversation = room;
        ask(client, wire::Verb::subscribe, wire::im::encode(body), room);
    }
    void ask_page(const std::string& after, std::uint32_t limit) {
        wire::im::MemberQuery query;
        query.conversation = large_;
        query.after = after;
        query.limit = limit;
        ask(kFew, wire::Verb::member_list, wire::im::encode(query), large_);
    }
    void ask(std::size_t client, wire::Verb verb, std::string_view body, std::string_view room) {
        await([this] { return unanswered_ < kAskedAtOnce; });
        ++unanswered_;
        load_.clients()[client]->ask(verb, body, room);
        load_.clients()[client]->flush();
    }
    void answered(const wire::ResponseView& response) {
        --unanswered_;
        if (response.code != errc::ok)
            throw std::runtime_error("crowd: a request was refused: " + std::string(explain(response.code)));
    }
    void send(std::size_t client) {
        ++under_way_;
        load_.clients()[client]->send("chat", "hello", *room_);
        load_.clients()[client]->flush();
    }
    void stored(LoadClient& client) {
        ++messages_;
        --under_way_;
        if (running_) send(client.index());
    }
    void finish() {
        await([this] { return unanswered_ == 0; });
    }
    void await(const std::function<bool()>& done) {
        if (done()) return;
        if (!load_.run_until(done, std::chrono::seconds(60)))
            throw std::runtime_error("crowd: the server does not answer");
    }

    const std::string large_, small_;
    ServerProcess server_;
    SessionLoad load_;
    const std::string* room_ = nullptr;
    bool running_ = false;
    std::size_t under_way_ = 0;
    std::size_t unanswered_ = 0;
    std::uint64_t messages_ = 0;
    std::uint64_t entries_ = 0;
};

}  // namespace

int bench_crowd(int argc, char** argv) {
    LoadOptions options;
    options.seconds = 1;
    std::size_t online = 2'000;
    std::size_t rounds = 7;
    std::uint64_t messages = 0;
    bool few = false;
    SyncShape shape{.users = 100'000, .conversations = 1, .members = 100'000, .entries = 12, .size = 64};
    for (int i = 1; i < argc; ++i) {
        const std::string_view option = argv[i];
        const auto number = [&](std::size_t least, std::size_t most) {
            return std::clamp<std::size_t>(std::strtoull(argv[++i], nullptr, 10), least, most);
        };
        if (option == "--members" && i + 1 < argc) {
            shape.users = shape.members = number(100, 1'000'000);
        } else if (option == "--online" && i + 1 < argc) {
            online = number(2 * kFew, 100'000);
        } else if (option == "--rounds" && i + 1 < argc) {
            rounds = number(1, 100);
        } else if (option == "--messages" && i + 1 < argc) {
            messages = number(1, 10'000'000);
        } else if (option == "--few") {
            few = true;
        } else if (!options.take(argc, argv, i)) {
            std::fprintf(stderr, "crowd: unknown option %s\n", argv[i]);
            return 2;
        }
    }
    online = std::min(online, shape.members);
    SyncGround ground(shape);
    ground.fill(*ground.open(kFillCacheKib));
    ServerOptions where;
    where.store_file = ground.file();
    Crowd crowd(where, "room:" + SyncGround::room_name(0), online);
    if (messages != 0) {
        crowd.send_messages(!few, messages);
        return crowd.failures() == 0 ? 0 : 1;
    }
    std::vector<double> ratios, small, large;
    (void)crowd.cpu_of_send(true, options.seconds);  // warm
    for (std::size_t i = 0; i < rounds; ++i) {
        // In turns, so that what grows with the log is nobody's advantage.
        for (const bool which : {i % 2 == 0, i % 2 != 0})
            (which ? large : small).push_back(crowd.cpu_of_send(which, options.seconds));
        ratios.push_back(large.back() / small.back());
    }
    const double page = crowd.page_ms();
    const double join = crowd.join_ms();
    const double bytes = crowd.bytes_a_member();
    const double entries = crowd.entries_of_send();
    std::fprintf(for_people(options.json),
                 "crowd: %zu members, %zu online: a message costs %.1f us of CPU, %.1f in a room of %zu, median ratio "
                 "%.3f; join %.2f ms, page of 200 members %.2f ms (medians); %.0f bytes for a member who has "
                 "subscribed; %.0f entries for a message; %llu failures\n",
                 shape.members, online, median_of(large), median_of(small), kFew, median_of(ratios), join, page, bytes,
                 entries, static_cast<unsigned long long>(crowd.failures()));
    if (options.json)
        std::printf(
            "{\"members\":%zu,\"online\":%zu,\"send_cpu_us\":%.2f,\"send_cpu_us_of_ten\":%.2f,\"ratio\":%.3f,"
            "\"join_ms\":%.3f,\"page_ms\":%.3f,\"bytes_a_member\":%.0f,\"entries_a_message\":%.0f}\n",
            shape.members, online, median_of(large), median_of(small), median_of(ratios), join, page, bytes, entries);
    return crowd.failures() == 0 ? 0 : 1;
}

}  // namespace flare::bench
