#include "sync_ground.hpp"

#include "store/sqlite/sqlite.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <numeric>
#include <stdexcept>

namespace flare::bench {
namespace {

constexpr std::size_t kMembersAtOnce = 200'000;  // in a commit
constexpr std::size_t kMessagesAtOnce = 4'000;
constexpr std::size_t kStep = 1'000'003;  // a prime above any number of rooms that is not a multiple of it

std::uint64_t unix_ms() {
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(now).count());
}

}  // namespace

// Places are dealt out in turn, so that each room gets as many, and no user two in one room.
std::size_t SyncShape::room_at(std::size_t place) const noexcept {
    const std::size_t all = rooms();
    std::size_t step = kStep % all;
    while (std::gcd(step, all) != 1) ++step;
    return place % all * step % all;
}

SyncGround::SyncGround(const SyncShape& shape) : shape_(shape) {
    if (shape.members == 0 || shape.members > shape.users || shape.rooms() < shape.conversations)
        throw std::runtime_error("sync: a room has at most as many members as there are users");
    folder_ = std::filesystem::temp_directory_path() / "flare-bench-XXXXXX";
    if (::mkdtemp(folder_.data()) == nullptr) throw std::runtime_error("no folder for the store");
}

SyncGround::~SyncGround() {
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
}

std::unique_ptr<store::Engine> SyncGround::open(std::uint32_t cache_kib) const {
    store::sqlite::Settings settings;
    settings.path = file();
    settings.min_free_bytes = 0;
    if (cache_kib != 0) settings.cache_kib = cache_kib;
    auto opened = store::sqlite::open(settings);
    if (!opened) throw std::runtime_error(opened.error().text);
    return std::move(*opened);
}

void SyncGround::commit(store::Engine& engine, store::WriteBatch& batch) const {
    store::WriteBatch* const group[] = {&batch};
    if (const auto done = engine.commit(group, unix_ms()); !done)
        throw std::runtime_error("commit: " + done.error().message());
    for (const store::Write& each : batch.writes)
        if (each.outcome.code != errc::ok || each.outcome.repeat) throw std::runtime_error("sync: a write was refused");
}

void SyncGround::fill(store::Engine& engine) {
    store::WriteBatch batch;
    for (std::size_t i = 0; i < shape_.users; ++i) batch.writes.emplace_back().what = store::NewUser{user_name(i)};
    commit(engine, batch);
    for (const store::Write& each : batch.writes) users_.push_back(each.outcome.row);

    std::vector<std::vector<std::uint32_t>> members(shape_.rooms());
    for (std::size_t user = 0; user < shape_.users; ++user)
        for (std::size_t nth = 0; nth < shape_.conversations; ++nth)
            members[shape_.room_of(user, nth)].push_back(static_cast<std::uint32_t>(user));
    const std::uint64_t now = unix_ms();
    std::size_t gathered = 0;
    batch.clear();
    for (std::size_t room = 0; room < members.size(); ++room) {
        store::Change made;
        made.key = model::ConversationKey::room(room_name(room));
        made.config.emplace().title = "A room of the benchmark " + std::to_string(room);
        made.config->join = model::Join::open;
        for (const std::uint32_t user : members[room]) {
            model::Member& member = made.members.emplace_back();
            member.user = users_[user];
            member.role = model::Role::member;
            member.joined_at = now;
        }
        gathered += made.members.size();
        batch.writes.emplace_back().what = std::move(made);
        if (gathered < kMembersAtOnce && room + 1 < members.size()) continue;
        commit(engine, batch);
        for (const store::Write& each : batch.writes) rooms_.push_back(each.outcome.row);
        batch.clear();
        gathered = 0;
    }
    std::vector<std::size_t> all(shape_.rooms());
    std::iota(all.begin(), all.end(), std::size_t{0});
    for (std::size_t i = 0; i < shape_.entries; ++i) say(engine, all);
}

void SyncGround::say(store::Engine& engine, const std::vector<std::size_t>& rooms) {
    store::WriteBatch batch;
    for (std::size_t i = 0; i < rooms.size(); ++i) {
        if (batch.writes.empty()) {
            batch.clear();
            batch.add(std::string(shape_.size, 'x'));
        }
        say(batch, rooms[i], {0, static_cast<std::uint32_t>(shape_.size)});
        if (batch.writes.size() < kMessagesAtOnce && i + 1 < rooms.size()) continue;
        commit(engine, batch);
        batch.writes.clear();
    }
}

void SyncGround::say(store::WriteBatch& batch, std::size_t room, store::Slice payload) {
    store::NewEntry entry;
    entry.conversation = rooms_.at(room);
    entry.sender = users_.at(last_id_ % users_.size());
    std::array<std::uint8_t, 10> rest{};
    for (std::uint64_t left = ++last_id_, i = 2; i < rest.size(); ++i, left >>= 8)
        rest[i] = static_cast<std::uint8_t>(left);
    entry.id = Uuid::v7(unix_ms(), rest);
    entry.type = batch.add("chat");
    entry.payload = payload;
    batch.writes.emplace_back().what = std::move(entry);
}

void SyncGround::change(store::Engine& engine, std::size_t changed) {
    const std::size_t every = std::max<std::size_t>(shape_.conversations / std::max<std::size_t>(changed, 1), 1);
    std::vector<std::size_t> rooms;
    for (std::size_t place = 0; changed != 0 && place < shape_.rooms(); place += every)
        rooms.push_back(shape_.room_at(place));
    say(engine, rooms);
}

}  // namespace flare::bench
