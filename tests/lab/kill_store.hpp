// What the scenario kill-store and its child processes have in common: who talks to whom, and the journal in which a
// child says what it has sent and what was said to be stored, so that its own death loses none of that.
//
// Threads: Journal any; the rest is constant.
#pragma once

#include <flare/conversation.hpp>
#include <flare/uuid.hpp>

#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace flare::lab {

inline constexpr int kClients = 20;
inline constexpr int kRooms = 10;
inline constexpr int kSendsPerSecond = 100;  // of one client

inline std::string client_name(int client) { return "user" + std::to_string(client); }
inline std::string room_name(int room) { return "room:kill" + std::to_string(room); }
// Two and two talk: ten direct conversations.
inline int partner_of(int client) { return client ^ 1; }
// Every second message goes to the partner, the others to the rooms in turn.
inline std::string target_of(int client, std::uint64_t number) {
    return number % 2 == 0 ? client_name(partner_of(client))
                           : room_name(static_cast<int>((number / 2 + static_cast<std::uint64_t>(client)) % kRooms));
}

struct Sent {
    int client = 0;
    std::uint64_t number = 0;
    Uuid id;
    std::optional<Position> stored{};
    std::string refused{};  // why, when it was
};

// A file of lines, each written at once.
class Journal {
public:
    explicit Journal(const std::string& path);
    ~Journal();
    Journal(const Journal&) = delete;
    Journal& operator=(const Journal&) = delete;

    void sent(const Sent& message);
    void stored(const Uuid& id, const Position& position);
    void refused(const Uuid& id, const std::string& why);
    // All that was written, by whatever process, in the order in which it was sent.
    static std::vector<Sent> read(const std::string& path);

private:
    void write(const std::string& line);
    std::mutex mutex_;
    int file_ = -1;
};

}  // namespace flare::lab
