#include "store/sqlite/reader_caches.hpp"

namespace flare::store::sqlite {
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
    LogTail* tail = tails_.find(conversation);
    if (tail == nullptr) tail = tails_.put(conversation, LogTail{stamp, {}}, 0);
    if (tail->stamp > stamp) return nullptr;
    if (tail->stamp < stamp) {
        tail->seen.clear();
        tail->stamp = stamp;
    }
    return tail;
}

}  // namespace flare::store::sqlite
