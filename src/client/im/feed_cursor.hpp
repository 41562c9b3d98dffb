// How far a subscription has come: which entry of a log is to be told next, and which of them are this client's own
// messages, whose receipts have told where they are.
//
// The position only grows while the epoch stays the same, whatever the server sends; begin() alone puts it elsewhere.
//
// Protocol: docs/protocol.md, "Feeds".
// Threads:  its client's I/O thread.
// Owner:    Feeds.
#pragma once

#include "client/cache/keeper.hpp"

#include <flare/conversation.hpp>

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <utility>
#include <vector>

namespace flare::client {

class FeedCursor {
public:
    // Own messages above the position. Further ones are forgotten: those that the server leaves out are then missing,
    // and those that it sends are told.
    static constexpr std::size_t kMostOwn = 1024;

    // The last entry that was told, or is known to the application; its id if it is known, else nil.
    const Position& position() const noexcept { return position_; }
    const Uuid& id() const noexcept { return id_; }
    ToldUpto told_upto() const { return {position_, id_}; }
    // Own messages that were passed because of their receipts: those above `after`, up to the position.
    struct Passed {
        Position after;
        Position upto;
        const std::vector<std::uint64_t>& uncounted;  // offsets of those that count nowhere
    };
    Passed own_passed() const noexcept { return {{position_.epoch, reached_}, position_, uncounted_}; }
    struct Own {
        std::uint64_t offset = 0;
        bool counts = true;  // among the messages of the log: it is not silent
    };
    // Own messages that are known above this position, of its epoch.
    std::vector<Own> own_above(const Position& at) const;

    // A feed begins behind this position. Own messages that are known above it, in this epoch, stay known.
    void begin(const Position& position, const Uuid& id);
    bool knows_anything() const noexcept { return begun_ || !own_.empty(); }
    // The receipt of an own message has come: its entry is not told. `counts`: as in Own.
    void note_own(const Position& at, const Uuid& id, bool counts = true);
    // In a new session the log may be another one of the same epoch, until a feed has begun there: till then receipts
    // do not move the position, which is what the server compares.
    void pause() noexcept { paused_ = true; }
    bool paused() const noexcept { return paused_; }
    // A feed has begun. True: the position has moved.
    bool go_on();
    // Entries up to this offset are not told. False: the position is there already, or further.
    bool skip_to(std::uint64_t offset);

    // What to do with an entry that has come.
    struct Taken {
        bool fresh = false;  // tell it; else it has been told, or is an own message
        // Offsets below it that have not come and are no own messages: first and last.
        std::optional<std::pair<std::uint64_t, std::uint64_t>> missing{};
    };
    Taken take(std::uint64_t offset, const Uuid& id);

private:
    struct Sent {
        Uuid id;
        bool counts = true;
    };

    void absorb();
    void pass(std::uint64_t offset, bool counts);

    Position position_;
    std::uint64_t reached_ = 0;  // the offset without the own messages behind it
    Uuid id_;
    bool begun_ = false;
    bool paused_ = false;
    // Of one epoch. Invariant: once begun, if it is the position's, all of them are above position_.offset; and above
    // position_.offset + 1, unless it is paused.
    std::map<std::uint64_t, Sent> own_;
    std::uint64_t own_epoch_ = 0;
    // Above reached_, up to the position; of more than kMostOwn, the older half is forgotten.
    std::vector<std::uint64_t> uncounted_;
};

}  // namespace flare::client
