// Faults that tests plant to prove that they would notice them. They exist only where this module is compiled for tests
// (FLARE_PLANTED_FAULTS).
//
// Threads: the test sets one fault before it begins.
#pragma once

#include <cstdint>

namespace flare::model {
class ConversationKey;
}

namespace flare::im {

namespace effect {
struct Answer;
}

enum class Fault : std::uint8_t {
    none,
    repeat_not_looked_up,       // a repeat is judged by rights and rates before anybody looks for it in the log
    repeat_not_joined,          // an id that is in flight is taken a second time
    content_not_compared,       // another message with an id that is in flight is taken for a repeat
    put_off_in_flight,          // what is in the store is put off when its session asks again
    answered_before_commit,     // "stored" is said when the store is asked
    later_forgotten,            // what is sent behind a message that was put off is taken
    waiting_not_held,           // what waits already behind a message that is put off is taken
    change_does_not_wait,       // what comes behind a change is judged before that is committed
    change_not_applied,         // members stay as they were before a change
    group_not_waited_for,       // another group goes to the store while the one before may still be put off
    rate_not_counted,           // what is sent is not counted
    change_applied_early,       // members are as a change leaves them before that is committed
    head_read_short,            // the newest entry is not seen when a conversation is loaded
    one_asker_answered,         // of the sessions that ask for one message, only the first hears
    mute_forgotten,             // who is muted writes
    mute_lost_on_load,          // the same, when the conversation was read anew
    ban_lifted_by_return,       // who is banned joins
    freeze_not_heeded,          // who may not write where it is frozen does
    block_not_heeded,           // who is blocked writes
    edited_by_anybody,          // whoever may write edits what others wrote
    deleted_by_anybody,         // and deletes it
    lower_role_not_heeded,      // members of a higher role are muted and banned, too
    reply_not_checked,          // a message answers what is not there, or may not be read
    all_named_by_anybody,       // whoever may write names all members
    join_without_invitation,    // whoever knows its name joins a room that takes only who is invited
    invited_in_spite_of_block,  // who blocks another one is invited by that one
    invitation_outlives_ban,    // a ban leaves the invitation, which counts again when it is over

    feed_skips_one,                // a feed that is behind goes on one entry too far
    page_above_told,               // a page is read beyond what the home has told
    removal_missed_behind,         // a feed that is behind is not ended with the membership
    removal_missed_while_opening,  // nor is one whose membership was read before it ended
    stale_page_believed,           // a feed of a sync opens with what was read, whatever was told since
    page_feed_late,                // a feed of a sync begins one entry too late
    sync_cursor_ahead,             // a sync's cursor is beyond what its pages show
    unread_counts_own,             // unread counts messages of the reader
    deleted_text_kept,             // a text that is kept for feeds is told after it was deleted

    invitation_not_told,  // sessions of who is invited do not hear of it
    mark_not_told,        // other sessions of the user do not hear of a mark
    settings_not_told,    // nor of what the user has chosen
    state_after_removal,  // who was removed from a room is told where its log ends
    mention_not_told,     // who is named in a room without a feed hears nothing of it

    delivered_ahead,        // what a device has acknowledged counts as one entry more
    moved_mark_dropped,     // a mark that moves within a second of another is not told
    owed_marks_forgotten,   // who could not be told of marks is not told of them later
    reader_left_out,        // whoever has read up to a message has not read it
    unread_by_hand_untold,  // other sessions of the user do not hear that something is unread again
    cut_one_more,           // retention removes an entry that is within its rules
    cut_not_told,           // a feed passes over what was removed as if it had told it
    erasure_leaves_some,    // some messages of an erased user stay
    erasure_forgotten,      // what was begun before a start is not gone on with
};

#ifdef FLARE_PLANTED_FAULTS
inline Fault planted_fault = Fault::none;
inline bool planted(Fault fault) noexcept { return planted_fault == fault; }

// What the simulator is told beside what sessions hear.
class Observer {
public:
    // This is about to be answered, whether or not anybody will hear it.
    virtual void on_answer(const model::ConversationKey& conversation, const effect::Answer& answer) = 0;

protected:
    ~Observer() = default;
};
inline Observer* observer = nullptr;

inline void observe_answer(const model::ConversationKey& conversation, const effect::Answer& answer) {
    if (observer != nullptr) observer->on_answer(conversation, answer);
}
#else
constexpr bool planted(Fault) noexcept { return false; }
inline void observe_answer(const model::ConversationKey&, const effect::Answer&) noexcept {}
#endif

}  // namespace flare::im
