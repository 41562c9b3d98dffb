// A store with rooms and members for `sync`: each user is in as many rooms, each room has as many members, and both are
// spread over each other.
//
// Threads: one at a time.
#pragma once

#include "store/engine.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace flare::bench {

struct SyncShape {
    std::size_t users = 100;
    std::size_t conversations = 2000;  // of a user
    std::size_t members = 10;          // of a room; at most `users`
    std::size_t entries = 12;          // of a room: messages
    std::size_t size = 256;            // of a payload

    std::size_t rooms() const noexcept { return users * conversations / members; }
    // The n-th room of a user.
    std::size_t room_of(std::size_t user, std::size_t nth) const noexcept {
        return room_at(user * conversations + nth);
    }
    // Of all places that users have in rooms, one after the other.
    std::size_t room_at(std::size_t place) const noexcept;
};

class SyncGround {
public:
    // In a folder of its own, which goes away with it. Throws std::runtime_error.
    explicit SyncGround(const SyncShape& shape);
    ~SyncGround();
    SyncGround(const SyncGround&) = delete;
    SyncGround& operator=(const SyncGround&) = delete;

    const SyncShape& shape() const noexcept { return shape_; }
    const std::string& folder() const noexcept { return folder_; }
    std::string file() const { return folder_ + "/flare.db"; }
    static std::string user_name(std::size_t user) { return "load" + std::to_string(user); }
    static std::string room_name(std::size_t room) { return "bench room " + std::to_string(room); }
    store::Row row_of(std::size_t room) const { return rooms_.at(room); }

    std::unique_ptr<store::Engine> open(std::uint32_t cache_kib = 0) const;  // 0: as it is shipped
    // Makes users and rooms, and says in each as much as the shape says.
    void fill(store::Engine& engine);
    // A message in each of these rooms.
    void say(store::Engine& engine, const std::vector<std::size_t>& rooms);
    // Something is new in so many rooms of each user.
    void change(store::Engine& engine, std::size_t changed);

private:
    void commit(store::Engine& engine, store::WriteBatch& batch) const;
    void say(store::WriteBatch& batch, std::size_t room, store::Slice payload);

    const SyncShape shape_;
    std::string folder_;
    std::vector<store::Row> users_;
    std::vector<store::Row> rooms_;
    std::uint64_t last_id_ = 0;
};

}  // namespace flare::bench
