// What the server tells of conversations beside feeds: marks that other devices of the user have moved, ends of logs
// that are not live, and conversations that have gone. A state may come before the page that names its conversation, as
// it travels in another lane: the newest of each is kept until then.
//
// Protocol: docs/protocol.md, "States"; docs/client.md, "The list of conversations".
// Threads:  its client's I/O thread.
// Owner:    Sync.
#pragma once

#include "client/im/list.hpp"
#include "client/im/list_invitations.hpp"
#include "client/im/marks.hpp"
#include "client/im/others.hpp"
#include "session/types.hpp"
#include "wire/sync.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace flare::client {

class ListStates {
public:
    // Of conversations that no page has named. Of more, the list is asked for.
    static constexpr std::size_t kMostKept = 1'000;
    // Subscriptions that no page has named, of which it is known how far others have come.
    static constexpr std::size_t kMostEarly = 256;
    // How long a state waits for what names its conversation before the list is asked for, and how long the list is not
    // asked for again because of one.
    static constexpr session::Duration kPatience = std::chrono::seconds(1);
    static constexpr session::Duration kLongestPatience = std::chrono::seconds(30);

    struct Parts {
        ConversationList& list;
        ReadMarks& marks;
        OtherMarks others;
        // The user has chosen this, in the log of this epoch.
        std::function<void(const std::string& conversation, std::uint64_t epoch, const wire::im::Settings&)> chosen;
        // The conversation of the list is none of the user's any more; forget() may be called from inside.
        std::function<void(const std::string& conversation)> gone;
        ListInvitations invitations;
    };
    explicit ListStates(Parts parts) : parts_(std::move(parts)) {}

    // A new session: what was told in the one before is void.
    void begin_session() {
        kept_.clear();
        early_.clear();
    }
    // `page_comes`: a page has been asked for, and may be older: the state is kept until take_kept().
    // False: the list lacks something: it is to be asked for, unless a page comes that was read later.
    bool take(const wire::im::ConversationState& state, bool page_comes);
    // An answer has said so, and the list has it. A page that has been asked for may be older, and so may states that
    // wait for it: then this is taken once more.
    void answered(const std::string& conversation, wire::im::ConversationState state);
    // A subscription has begun, and says how far others have come. They are told, and kept for what will be in the
    // list.
    void subscribed(const std::string& conversation, std::uint64_t epoch, std::vector<UserMark> others);
    // Of conversations that are in the list by now.
    void take_kept();
    // How far others have come, of one that is in the list now.
    void take_early(const std::string& conversation);
    // What is kept of the settings of a log, and is newer than a page; nothing: nothing is.
    std::optional<wire::im::Settings> settings_of(std::string_view name, std::uint64_t epoch) const;
    // The user is no member any more.
    void forget(const std::string& conversation) {
        kept_.erase(conversation);
        early_.erase(conversation);
    }
    // A list is complete that began when this many states had come: what it lacks of them is none of the user's.
    void end_sync(std::uint64_t taken);
    std::uint64_t taken() const noexcept { return taken_; }
    // When to ask for the list because of what it lacks.
    session::TimePoint ask_at(session::TimePoint now);
    OtherMarks& others() noexcept { return parts_.others; }
    ListInvitations& invitations() noexcept { return parts_.invitations; }
    // The list lacks what states have told of.
    bool keeps() const noexcept { return !kept_.empty(); }

private:
    struct Kept {
        std::uint64_t number = 0;  // of the last state of it, among all that have come
        std::uint64_t epoch = 0;
        std::optional<ConversationList::End> end{};
        std::optional<wire::im::ReadMark> mark{};
        std::vector<UserMark> others{};
        std::optional<std::uint64_t> gone{};  // with this entry of the log; then there is nothing else
        std::optional<wire::im::Settings> settings{};

        bool only_others() const noexcept { return !end && !mark && !gone && !settings; }
        void add(const Kept& newer);
    };
    using AllKept = std::map<std::string, Kept, std::less<>>;  // by conversation
    static Kept kept_of(const wire::im::ConversationState& state);
    // Of others alone, and of another log than the list has: it comes into the list, or is of one that has gone.
    bool waits_for_log(const std::string& name, const Kept& state) const;
    void keep_early(const std::string& name, const Kept& state);
    void take_listed(AllKept& all);
    void apply(const std::string& name, const Kept& state);

    Parts parts_;
    AllKept kept_;
    AllKept early_;  // marks of others alone: what they are of need not come into the list
    std::uint64_t taken_ = 0;
    session::TimePoint asked_at_{};  // the list was asked for because of a state
    bool asked_ = false;             // it ever was
};

}  // namespace flare::client
