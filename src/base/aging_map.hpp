// A map of bounded size that forgets what was not used lately. It has two halves: what is used goes into the young one,
// which becomes the old one when it is full, and the old one goes.
//
// Threads: one at a time.
#pragma once

#include <boost/unordered/unordered_flat_map.hpp>

#include <cstddef>
#include <utility>

namespace flare::base {

template <typename Key, typename Value>
class AgingMap {
public:
    // For the sum of what is said of the sizes of values, and of places in the map.
    explicit AgingMap(std::size_t most_bytes) noexcept : most_young_(most_bytes / 2) {}

    // Null: it is not there. Valid until the next call.
    Value* find(const Key& key) {
        const auto young = young_.find(key);
        if (young != young_.end()) return &young->second.value;
        const auto old = old_.find(key);
        if (old == old_.end()) return nullptr;
        Kept kept = std::move(old->second);
        old_.erase(old);
        return add(key, std::move(kept));
    }
    // In the place of what has that key. bytes: what it has allocated.
    Value* put(const Key& key, Value value, std::size_t bytes) {
        forget(young_, key, &young_bytes_);
        forget(old_, key, nullptr);
        return add(key, {std::move(value), bytes});
    }
    // What was found, or put, has changed its size.
    void resize(const Key& key, std::size_t bytes) noexcept {
        const auto young = young_.find(key);
        if (young == young_.end()) return;
        young_bytes_ += bytes;
        young_bytes_ -= std::exchange(young->second.bytes, bytes);
    }
    void clear() noexcept {
        young_ = {};
        old_ = {};
        young_bytes_ = 0;
    }
    std::size_t size() const noexcept { return young_.size() + old_.size(); }

private:
    struct Kept {
        Value value;
        std::size_t bytes = 0;
    };
    using Half = boost::unordered_flat_map<Key, Kept>;
    static constexpr std::size_t kPlace = 2 * sizeof(std::pair<const Key, Kept>);

    Value* add(const Key& key, Kept kept) {
        if (young_bytes_ > most_young_) {
            old_ = std::exchange(young_, {});
            young_bytes_ = 0;
        }
        young_bytes_ += kept.bytes + kPlace;
        return &young_.insert_or_assign(key, std::move(kept)).first->second.value;
    }
    static void forget(Half& half, const Key& key, std::size_t* bytes) noexcept {
        const auto found = half.find(key);
        if (found == half.end()) return;
        if (bytes != nullptr) *bytes -= found->second.bytes + kPlace;
        half.erase(found);
    }

    std::size_t most_young_;
    std::size_t young_bytes_ = 0;
    Half young_;
    Half old_;
};

}  // namespace flare::base
