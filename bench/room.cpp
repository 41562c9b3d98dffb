// A room: members who have subscribed to it, and messages that the server stores and gives to each of them. First so
// many messages at a time, the next when everybody has one: what a delivery costs the server, with what it does to
// store them. Then at half of that rate, due at their times whatever becomes of those before: when the receipt comes,
// and when the last member has it.
//
// Options: --transport ws|wss|quic, --workers W (default 1), --members N (default 1,000), --senders N (default 10),
// --size B (default 64), --seconds S of each part (default 3), --warm-up S, --json.
#include "bench.hpp"
#include "session_load.hpp"

#include "wire/feeds.hpp"
#include "wire/requests.hpp"

#include <cmath>
#include <cstring>
#include <deque>
#include <memory>
#include <stdexcept>
#include <vector>

namespace flare::bench {
namespace {

constexpr std::string_view kName = "bench";
constexpr std::string_view kRoom = "room:bench";

class Room {
public:
    Room(const ServerOptions& where, std::size_t members, std::size_t senders, std::size_t size)
        : server_(where),
          load_([](LoadClient&, std::string_view, std::string_view) {},
                {[this](LoadClient&, const wire::ResponseView&) { --unanswered_; },
                 [this](LoadClient& client, const wire::im::Feed& feed) { deliver(client, feed); },
                 [this](LoadClient& client, const session::Outcome&) { receipt(client); }}),
          members_(members),
          senders_(senders),
          payload_(size, 'x'),
          last_(members, 0),
          without_receipt_(senders) {
        load_.connect(where, server_.port(), members);
        load_.stay_awake();
        make();
    }

    struct Part {
        double per_core_second = 0;  // deliveries
        double per_second = 0;       // messages
    };
    // So many messages are under way until everybody has them.
    Part closed(std::size_t at_once, double warm_up, double seconds) {
        at_once_ = at_once;
        const std::size_t first = messages_.size();
        for (std::size_t i = 0; i < at_once; ++i) send(now_ns());
        load_.run_for(std::chrono::nanoseconds(static_cast<std::int64_t>(warm_up * 1e9)));
        const std::uint64_t deliveries = deliveries_;
        const std::size_t messages = messages_.size();
        const std::uint64_t cpu = server_.cpu_ns();
        const std::uint64_t began = now_ns();
        load_.run_for(std::chrono::nanoseconds(static_cast<std::int64_t>(seconds * 1e9)));
        const double used = static_cast<double>(server_.cpu_ns() - cpu) / 1e9;
        const double took = static_cast<double>(now_ns() - began) / 1e9;
        const Part part{static_cast<double>(deliveries_ - deliveries) / used,
                        static_cast<double>(messages_.size() - messages) / took};
        at_once_ = 0;
        finish();
        if (messages_.size() == first + at_once) throw std::runtime_error("room: the server delivers nothing");
        return part;
    }
    // Messages that are due at this rate, from all senders in turn.
    void open(double per_second, double seconds) {
        receipts_.clear();
        completions_.clear();
        const std::uint64_t began = now_ns();
        const auto count = static_cast<std::uint64_t>(per_second * seconds);
        std::uint64_t sent = 0;
        load_.run_until(
            [&] {
                const std::uint64_t due =
                    began + static_cast<std::uint64_t>(static_cast<double>(sent) * 1e9 / per_second);
                if (sent < count && now_ns() >= due) {
                    send(due);
                    ++sent;
                }
                return sent == count;
            },
            kLongest);
        finish();
    }

    Latencies& receipts() noexcept { return receipts_; }
    Latencies& completions() noexcept { return completions_; }  // when the last member has it
    std::uint64_t lost() const noexcept { return lost_ + load_.failures(); }

private:
    struct Message {
        std::uint64_t due = 0;
        std::size_t missing = 0;  // members, and the receipt
    };

    // The first one makes it. The others join, and all subscribe.
    void make() {
        wire::im::ConversationCreate create;
        create.name = kName;
        create.join = model::Join::open;
        ask_one(0, wire::Verb::conversation_create, wire::im::encode(create));
        wire::im::ConversationRef room{kRoom};
        const std::string join = wire::im::encode(room);
        for (std::size_t i = 1; i < members_; ++i) ask_one(i, wire::Verb::conversation_join, join);
        wire::im::Subscribe subscribe;
        subscribe.conversation = kRoom;
        const std::string body = wire::im::encode(subscribe);
        for (std::size_t i = 0; i < members_; ++i) ask_one(i, wire::Verb::subscribe, body);
        await([this] { return unanswered_ == 0; });
        if (load_.failures() != 0) throw std::runtime_error("room: not everybody could enter it");
    }
    void ask_one(std::size_t client, wire::Verb verb, std::string_view body) {
        constexpr std::size_t kUnderWay = 64;
        await([this] { return unanswered_ < kUnderWay; });
        if (verb == wire::Verb::conversation_create || verb == wire::Verb::subscribe)
            await([this] { return unanswered_ == 0; });
        ++unanswered_;
        load_.clients()[client]->ask(verb, body, kRoom);
        load_.clients()[client]->flush();
        if (verb == wire::Verb::conversation_create) await([this] { return unanswered_ == 0; });
    }
    void await(const std::function<bool()>& done) {
        if (!load_.run_until(done, std::chrono::seconds(60)))
            throw std::runtime_error("room: the server does not answer");
    }

    void send(std::uint64_t due) {
        const std::uint64_t number = messages_.size();
        const std::size_t sender = number % senders_;
        messages_.push_back({due, members_});  // all but the sender, and the receipt
        without_receipt_[sender].push_back(number);
        std::memcpy(payload_.data(), &number, sizeof number);
        load_.clients()[sender]->send("chat", payload_, kRoom);
    }
    void receipt(LoadClient& client) {
        std::deque<std::uint64_t>& open = without_receipt_[client.index()];
        const std::uint64_t number = open.front();
        open.pop_front();
        receipts_.add(now_ns() - messages_[number].due);
        one_less(number);
    }
    void deliver(LoadClient& client, const wire::im::Feed& feed) {
        for (const wire::im::Entry& entry : feed.entries) {
            if (entry.kind != model::EntryKind::message) continue;
            std::uint64_t number = 0;
            if (entry.payload.size() == payload_.size()) std::memcpy(&number, entry.payload.data(), sizeof number);
            const bool own = number % senders_ == client.index();  // of a block with several senders
            const bool good = entry.payload.size() == payload_.size() && number < messages_.size() &&
                              entry.offset > last_[client.index()];
            last_[client.index()] = entry.offset;
            if (!good) {
                ++lost_;
            } else if (!own) {
                ++deliveries_;
                one_less(number);
            }
        }
    }
    void one_less(std::uint64_t number) {
        Message& message = messages_[number];
        if (--message.missing != 0) return;
        completions_.add(now_ns() - message.due);
        ++complete_;
        if (messages_.size() - complete_ < at_once_) send(now_ns());
    }
    void finish() {
        if (!load_.run_until([this] { return complete_ == messages_.size(); }, kDrain)) {
            for (const Message& message : messages_) lost_ += message.missing;
            throw std::runtime_error("room: " + std::to_string(lost_) + " deliveries are missing");
        }
    }

    ServerProcess server_;
    SessionLoad load_;
    const std::size_t members_;
    const std::size_t senders_;
    std::string payload_;
    std::size_t unanswered_ = 0;
    std::deque<Message> messages_;
    std::size_t complete_ = 0;
    std::size_t at_once_ = 0;
    std::vector<std::uint64_t> last_;                         // offset that each member has
    std::vector<std::deque<std::uint64_t>> without_receipt_;  // by sender
    std::uint64_t deliveries_ = 0;
    std::uint64_t lost_ = 0;
    Latencies receipts_;
    Latencies completions_;
};

}  // namespace

int bench_room(int argc, char** argv) {
    LoadOptions options;
    options.connections = 1000;
    ServerOptions where;
    where.stored = true;
    std::size_t senders = 10;
    for (int i = 1; i < argc; ++i) {
        const std::string_view option = argv[i];
        if (option == "--members" && i + 1 < argc) {
            options.connections = std::clamp<std::size_t>(std::strtoull(argv[++i], nullptr, 10), 2, 100'000);
        } else if (option == "--senders" && i + 1 < argc) {
            senders = std::clamp<std::size_t>(std::strtoull(argv[++i], nullptr, 10), 1, 1'000);
        } else if (!options.take(argc, argv, i) && !where.take(argc, argv, i)) {
            std::fprintf(stderr, "room: unknown option %s\n", argv[i]);
            return 2;
        }
    }
    const std::size_t members = options.connections;
    senders = std::min(senders, members);
    options.size = std::max(options.size, sizeof(std::uint64_t));  // room for the number of the message
    Room room(where, members, senders, options.size);
    const Room::Part many = room.closed(16, options.warm_up, options.seconds);
    const Room::Part one = room.closed(1, options.warm_up, options.seconds);
    const double half = std::max(1.0, many.per_second / 2);
    room.open(half, options.seconds);
    const double receipt_p50 = room.receipts().percentile_us(0.5) / 1000;
    const double receipt_p99 = room.receipts().percentile_us(0.99) / 1000;
    const double last_p99 = room.completions().percentile_us(0.99) / 1000;
    std::fprintf(for_people(options.json),
                 "room: %zu members, %zu senders, %zu bytes: %.0f deliveries a core-second at 16 in flight, %.0f at 1; "
                 "at %.0f messages/s: receipt %.2f ms p50, %.2f ms p99, last member %.2f ms p99; %llu lost\n",
                 members, senders, options.size, many.per_core_second, one.per_core_second, half, receipt_p50,
                 receipt_p99, last_p99, static_cast<unsigned long long>(room.lost()));
    if (options.json)
        std::printf(
            "{\"deliveries_per_core_second\":%.0f,\"deliveries_per_core_second_1\":%.0f,\"receipt_p50_ms\":%.3f,"
            "\"receipt_p99_ms\":%.3f,\"last_member_p99_ms\":%.3f,\"lost\":%llu}\n",
            many.per_core_second, one.per_core_second, receipt_p50, receipt_p99, last_p99,
            static_cast<unsigned long long>(room.lost()));
    return room.lost() == 0 ? 0 : 1;
}

}  // namespace flare::bench
