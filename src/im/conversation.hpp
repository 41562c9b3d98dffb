// What the home of a conversation holds of it. It changes by what was committed, and by nothing else.
//
// Protocol: docs/conversations.md.
// Threads:  one at a time.
// Owner:    Append.
#pragma once

#include "im/limits.hpp"
#include "im/members.hpp"
#include "im/rights.hpp"
#include "model/conversation.hpp"
#include "model/entry.hpp"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace flare::im {

// What the store said became of a write.
struct Outcome {
    bool repeat = false;  // it was in the log already
    Row row = 0;          // of the conversation
    model::Position position{};
    std::uint64_t time_ms = 0;
    std::uint64_t stamp = 0;
    std::uint64_t messages = 0;
};

// A change that was found to be allowed: the rows as they are to be, and the entry that tells it.
struct Plan {
    Row conversation = 0;  // 0: it is made
    std::optional<model::Config> config{};
    std::vector<model::Member> members{};     // others stay; visible_from 0: from the entry of this change on
    std::vector<Row> entering{};              // of these, who is no member yet
    bool removed = false;                     // the conversation ends
    std::uint64_t keep_from = 0;              // entries below go; 0: none
    bool nothing = false;                     // it is so already: nothing is written
    std::int64_t joined = 0;                  // how many members there are more, or, below 0, fewer
    std::int64_t invited = 0;                 // the same of invitations
    std::vector<Row> invitations{};           // of these, who has one now, or none any more, and is no member
    std::optional<model::EntryKind> tells{};  // kind of the entry; nothing: none is written
    std::string payload{};                    // of the entry: wire::ConversationChange
};

class Conversation {
public:
    Conversation(model::ConversationKey key, const Limits& limits)
        : limits_(limits), key_(std::move(key)), members_(limits) {}

    enum class State : std::uint8_t { unknown, absent, present };

    // As the store has it.
    struct Stored {
        Row row = 0;
        model::Config config{};
        model::Head head{};
        std::uint64_t members = 0;      // with a role
        std::uint64_t invitations = 0;  // that are open
    };
    // `listed`: all members, if they are at most Limits::listed_members, else any of them or none; others, too.
    void load(const Stored& stored, std::span<const model::Member> listed);
    void load_absent();
    // It is not as was thought: the store is to be asked again.
    void forget();

    State state() const noexcept { return state_; }
    bool present() const noexcept { return state_ == State::present; }
    const model::ConversationKey& key() const noexcept { return key_; }
    bool direct() const noexcept { return key_.kind() == model::ConversationKind::direct; }
    Row row() const noexcept { return row_; }
    const model::Config& config() const noexcept { return config_; }
    const model::Head& head() const noexcept { return head_; }
    std::uint64_t member_count() const noexcept { return member_count_; }
    std::uint64_t invitation_count() const noexcept { return invitation_count_; }
    const Limits& limits() const noexcept { return limits_; }
    Members& members() noexcept { return members_; }
    const Members& members() const noexcept { return members_; }

    // Of a direct conversation: the other one takes nothing from `user`.
    bool blocked_for(Row user) const;

    // Who else is owner, and who is next, when `leaving` no longer is: known from the list, or as the store was asked
    // about it. Null: ask it.
    const HeirSearch* heirs(Row leaving);
    void set_heirs(Row leaving, const HeirSearch& found);

    // Nobody has been told of it yet: it is behind what the log was known to have. What was in the log before is not.
    bool is_news(const Outcome& outcome) const noexcept;

    // ---- what was committed ----
    void appended(const Outcome& outcome);
    void apply(const Plan& plan, const Outcome& outcome);

    void check_invariants() const;

private:
    void advance_head(const Outcome& outcome);

    const Limits& limits_;
    const model::ConversationKey key_;
    State state_ = State::unknown;
    Row row_ = 0;
    model::Config config_{};
    model::Head head_{};
    std::uint64_t member_count_ = 0;
    std::uint64_t invitation_count_ = 0;
    Members members_;
    struct Heirs {
        Row leaving;
        HeirSearch found;
    };
    std::optional<Heirs> heirs_;  // as of the last change
};

}  // namespace flare::im
