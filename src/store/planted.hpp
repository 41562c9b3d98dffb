// Faults of the store in memory that the simulator plants to prove that it would notice them. They exist only in its
// copy of that store (FLARE_PLANTED_FAULTS).
//
// Threads: the simulator sets one fault before it begins.
#pragma once

#include <cstdint>

namespace flare::store {

enum class Fault : std::uint8_t {
    none,
    id_without_conversation,  // an id is looked up without the conversation that it is in
    offset_left_out,          // an offset is given to no entry
    answered_before_sync,     // a commit that is answered may be gone after a crash
    copy_keeps_epochs,        // a backup is restored, and positions mean what they did
    deleted_text_stays,       // a deletion leaves the payload
    edit_lost,                // an edit is in the log, and its message stays as it was
    edit_of_deleted,          // what is deleted can be edited
    reaction_repeated,        // a reaction that is there is written once more
    reactions_not_limited,    // a user reacts as often as there are keys
    reactions_outlive,        // a deletion leaves the reactions
    unread_counts_deleted,    // what is deleted is unread
    unread_outlives_reading,  // what is unread by hand stays so when it is read
    unread_counts_cleared,    // what is cleared is unread
    mentions_anybody,         // who is no member is mentioned
    mention_all_not_counted,  // what mentions all is no unread mention
};

#ifdef FLARE_PLANTED_FAULTS
inline Fault planted_fault = Fault::none;
inline bool planted(Fault fault) noexcept { return planted_fault == fault; }
#else
constexpr bool planted(Fault) noexcept { return false; }
#endif

}  // namespace flare::store
