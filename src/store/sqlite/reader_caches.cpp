#include "store/sqlite/reader_caches.hpp"

#include <utility>

namespace flare::store::sqlite {
namespace {

std::size_t bytes_of(const LogTail& tail) noexcept {
    constexpr std::size_t kNode = 64;  // its place in the map
    std::size_t bytes = sizeof tail + kNode + tail.seen.capacity() * sizeof(UnreadCount::Seen) +
                        tail.entries.capacity() * sizeof(Entry);
    for (const Entry& each : tail.entries) bytes += each.type.capacity() + each.payload.capacity();
    return bytes;
}

}  // namespace

// ---- names ----

const std::string* UserNameCache::find(Row user) const noexcept {
    if (slots_.empty()) return nullptr;
    const Slot& slot = slots_[user % kSlots];
    return slot.user == user && user != 0 ? &slot.name : nullptr;
}

void UserNameCache::put(Row user, std::string_view name) {
    if (slots_.empty()) slots_.resize(kSlots);
    Slot& slot = slots_[user % kSlots];
    slot.user = 0;  // until it has the name
    slot.name = name;
    slot.user = user;
}

// ---- ends of logs ----

LogTail* LogTails::of(Row conversation, std::uint64_t stamp) {
    if (young_bytes_ > most_young_) {
        old_ = std::exchange(young_, {});
        young_bytes_ = 0;
    }
    auto& tail = young_[conversation];
    if (tail == nullptr) {
        if (const auto before = old_.find(conversation); before != old_.end()) {
            tail = std::move(before->second);
            old_.erase(before);
        } else {
            tail = std::make_unique<LogTail>();
            tail->bytes = bytes_of(*tail);
        }
        young_bytes_ += tail->bytes;
    }
    if (tail->stamp > stamp) return nullptr;
    if (tail->stamp < stamp) {
        tail->entries.clear();
        tail->seen.clear();
        tail->stamp = stamp;
    }
    return tail.get();
}

void LogTails::grown(LogTail& tail) noexcept {
    young_bytes_ -= tail.bytes;
    tail.bytes = bytes_of(tail);
    young_bytes_ += tail.bytes;
}

void LogTails::clear() noexcept {
    young_ = {};
    old_ = {};
    young_bytes_ = 0;
}

}  // namespace flare::store::sqlite
