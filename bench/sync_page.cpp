#include "sync_page.hpp"

#include "server/conversations/reading.hpp"
#include "server/conversations/sync_reading.hpp"
#include "stats.hpp"
#include "sync_ground.hpp"
#include "wire/sync.hpp"

#include <algorithm>
#include <stdexcept>
#include <string>
#include <vector>

namespace flare::bench {
namespace {

namespace reading = server::reading;

constexpr int kTimes = 50;
constexpr int kOpenings = 5;
constexpr std::uint32_t kEntries = 10;

class PageCost {
public:
    explicit PageCost(const SyncPageOptions& options)
        : options_(options), ground_(shape_of(options)), engine_(ground_.open()) {
        ground_.fill(*engine_);
        generation_ = engine_->about().generation;
        cursor_ = engine_->about().stamp;
        for (int i = 0; i < 3; ++i) ground_.change(*engine_, options.changed);
    }

    SyncPageCost measure() {
        SyncPageCost cost;
        {
            const auto reader = engine_->reader();
            cost.round_trips = count(*reader, cost.told);
            cost.warm_ms = average(*reader, 0, false);
            cost.while_written_ms = average(*reader, 0, true);
            cost.with_feeds_ms = average(*reader, wire::im::kMaxSyncFeeds, false);
        }
        for (int i = 0; i < kOpenings; ++i) {
            engine_.reset();
            engine_ = ground_.open();
            newest_ = std::make_shared<reading::NewestEntries>();
            const auto reader = engine_->reader();
            cost.cold_ms += page_ms(*reader, 0) / kOpenings;
        }
        make_long_log();
        cost.history_per_second_200 = history(200);
        cost.history_per_second_50 = history(50);
        return cost;
    }

private:
    static SyncShape shape_of(const SyncPageOptions& options) {
        SyncShape shape;
        shape.conversations = options.conversations;
        return shape;
    }
    reading::SyncQuestion question(std::uint32_t most_rest) const {
        reading::SyncQuestion question;
        question.user = SyncGround::user_name(0);
        question.place.generation = generation_;
        question.place.above = cursor_;
        question.limit = wire::im::kMaxSyncPage;
        question.entries = kEntries;
        question.most_rest = most_rest;
        question.newest = newest_;
        return question;
    }
    // Pages until there is no more; of each that they all have their entries.
    std::size_t count(store::Reader& reader, std::size_t& told) const {
        reading::SyncQuestion asked = question(0);
        for (std::size_t pages = 1;; ++pages) {
            const reading::SyncFound found = reading::sync_page(reader, asked);
            const auto page = wire::im::decode<wire::im::SyncPage>(encoded(found));
            if (found.code != errc::ok || !page || found.whole) throw std::runtime_error("sync: no page");
            for (const wire::im::SyncedConversation& each : page->conversations)
                if (each.entries.size() != kEntries) throw std::runtime_error("sync: a conversation lacks its entries");
            told += found.conversations.size();
            if (found.next.empty()) return pages;
            asked.place = reading::place_of({}, found.next).value();
        }
    }
    std::string encoded(const reading::SyncFound& found) const {
        const std::vector<std::uint32_t> feeds(found.conversations.size() + found.rest.size(), 1);
        return reading::encode(found, feeds);
    }
    double page_ms(store::Reader& reader, std::uint32_t most_rest) const {
        const reading::SyncQuestion asked = question(most_rest);
        const std::uint64_t began = cpu_ns(::pthread_self());
        const std::string body = encoded(reading::sync_page(reader, asked));
        if (body.empty()) throw std::runtime_error("sync: an empty page");
        return static_cast<double>(cpu_ns(::pthread_self()) - began) / 1e6;
    }
    double average(store::Reader& reader, std::uint32_t most_rest, bool written) {
        (void)page_ms(reader, most_rest);
        double sum = 0;
        for (int i = 0; i < kTimes; ++i) {
            if (written) ground_.say(*engine_, {ground_.shape().room_of(1, 0)});
            sum += page_ms(reader, most_rest);
        }
        return sum / kTimes;
    }

    void make_long_log() {
        const std::vector<std::size_t> often(1000, ground_.shape().room_of(0, 0));
        for (std::size_t i = 0; i < options_.messages; i += often.size()) ground_.say(*engine_, often);
    }
    // From the newest entry to the oldest.
    double history(std::uint32_t limit) {
        const auto reader = engine_->reader();
        const std::size_t room = ground_.shape().room_of(0, 0);
        const auto key = model::ConversationKey::room(SyncGround::room_name(room));
        const std::string user = SyncGround::user_name(0);
        std::uint64_t entries = 0;
        std::uint64_t used = 0;
        wire::im::HistoryQuery query;
        query.limit = limit;
        for (bool more = true; more;) {
            const std::uint64_t began = cpu_ns(::pthread_self());
            const auto found = reading::history(*reader, key, user, query, 0);
            used += cpu_ns(::pthread_self()) - began;
            const auto page = wire::im::decode<wire::im::HistoryPage>(found.body);
            if (found.code != errc::ok || !page || page->entries.empty())
                throw std::runtime_error("sync: no page of history");
            entries += page->entries.size();
            query.before = page->entries.front().offset;
            more = page->more;
        }
        return static_cast<double>(entries) * 1e9 / static_cast<double>(used);
    }

    const SyncPageOptions options_;
    SyncGround ground_;
    std::unique_ptr<store::Engine> engine_;
    reading::NewestEntriesPtr newest_ = std::make_shared<reading::NewestEntries>();  // as a server has it
    std::uint64_t generation_ = 0;
    std::uint64_t cursor_ = 0;
};

}  // namespace

SyncPageCost cost_of_sync_page(const SyncPageOptions& options) { return PageCost(options).measure(); }

}  // namespace flare::bench
