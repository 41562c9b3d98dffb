// Erases users: deletes whatever they have written, a message at a time and as if a moderator did, so that everybody
// who has it hears of it by the one way that there is; and removes them from their rooms, with the invitations to them
// and by them. That a user is to be erased is in the store first. After a crash it goes on with the conversation in
// which it was: what was deleted there by then is not deleted again.
//
// Protocol: docs/conversations.md, "Erasing a user".
// Threads:  its worker's; the store is read on the store's threads.
// Owner:    Conversations, of the first worker alone.
#pragma once

#include "model/conversation.hpp"
#include "server/conversations/store_access.hpp"
#include "server/worker/executor.hpp"
#include "server/worker/router.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace flare::server {

class Erasing {
public:
    static constexpr std::uint32_t kMostUsers = 1'000;                          // at a time
    static constexpr std::uint32_t kAtOnce = 50;                                // messages that are being deleted
    static constexpr session::Duration kPause = std::chrono::milliseconds(50);  // until it is looked whether they are
    static constexpr session::Duration kAfterFailure = std::chrono::seconds(1);

    struct Parts {
        Router& router;
        Executor& executor;
        StoreAccess& store;
    };
    Erasing(const Parts& parts, std::uint32_t index);

    // `done` with ok: it is in the store that the user is to be erased, and it will be. unknown_target: nobody of this
    // name has ever been here. busy: kMostUsers are being erased, or the store cannot write now.
    void erase(const std::string& user, std::function<void(errc code)> done);

    session::TimePoint next_deadline() const noexcept { return at_; }
    void on_time();
    // Users who are being erased.
    std::size_t size() const noexcept { return users_.size(); }

private:
    struct Step;

    void read_users();
    void look();
    void looked(const Step& step, errc code);
    static errc find_invited(store::Reader& reader, Step& step);
    void note(const store::Erasure& erasure, std::function<void(errc code)> then);
    void again(session::Duration after);
    store::Erasure* find(store::Row user);

    const Parts parts_;
    session::TimePoint at_ = session::kNever;  // when it goes on; never: it waits for the store, or has nothing to do
    bool ready_ = false;                       // users_ are those of the store
    bool busy_ = false;                        // a step is under way
    std::vector<store::Erasure> users_;        // the first one is being erased
    std::uint64_t from_ = 1;                   // of its conversation: where messages may be left
    store::Row in_ = 0;                        // which conversation `from_` is of
    std::uint64_t began_ = 0;                  // how often the first one began anew: a step of before is void
    std::size_t asked_ = 0;                    // askers whose note is on its way to the store
};

}  // namespace flare::server
