// What the server tells of conversations beside feeds: marks that other devices of the user have moved, ends of logs
// that are not live, and conversations that have gone. A state may come before the page that names its conversation, as
// it travels in another lane: the newest of each is kept until then.
//
// Protocol: docs/protocol.md, "States"; docs/client.md, "The list of conversations".
// Threads:  its client's I/O thread.
// Owner:    Sync.
#pragma once

#include "client/im/list.hpp"
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
#include <utility>
#include <vector>

namespace flare::client {

class ListStates {
public:
    // Of conversations that no page has named. Of more, the list is asked for.
    static constexpr std::size_t kMostKept = 1'000;
    // How long a state waits for what names its conversation before the list is asked for, and how long the list is not
    // asked for again because of one.
    static constexpr session::Duration kPatience = std::chrono::seconds(1);
    static constexpr session::Duration kLongestPatience = std::chrono::seconds(30);

    // `gone`: the conversation of the list is none of the user's any more; forget() may be called from inside.
    ListStates(ConversationList& list, ReadMarks& marks, OtherMarks others,
               std::function<void(const std::string& conversation)> gone)
        : list_(list), marks_(marks), others_(std::move(others)), gone_(std::move(gone)) {}

    // A new session: what was told in the one before is void.
    void begin_session() { kept_.clear(); }
    // `page_comes`: a page has been asked for, and may be older: the state is kept until take_kept().
    // False: the list lacks something: it is to be asked for, unless a page comes that was read later.
    bool take(const wire::im::ConversationState& state, bool page_comes);
    // Of conversations that are in the list by now.
    void take_kept();
    // The user is no member any more.
    void forget(const std::string& conversation) { kept_.erase(conversation); }
    // A list is complete that began when this many states had come: what it lacks of them is none of the user's.
    void end_sync(std::uint64_t taken);
    std::uint64_t taken() const noexcept { return taken_; }
    // When to ask for the list because of what it lacks.
    session::TimePoint ask_at(session::TimePoint now);
    OtherMarks& others() noexcept { return others_; }
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

        bool only_others() const noexcept { return !end && !mark && !gone; }
        void add(const Kept& newer);
    };
    static Kept kept_of(const wire::im::ConversationState& state);
    void apply(const std::string& name, const Kept& state);

    ConversationList& list_;
    ReadMarks& marks_;
    OtherMarks others_;
    const std::function<void(const std::string& conversation)> gone_;
    std::map<std::string, Kept, std::less<>> kept_;  // by conversation
    std::uint64_t taken_ = 0;
    session::TimePoint asked_at_{};  // the list was asked for because of a state
    bool asked_ = false;             // it ever was
};

}  // namespace flare::client
