// What the user has read: taken into the list at once, asked of the server, and said again behind a sync if the server
// has not heard of it.
//
// Protocol: docs/protocol.md, "Sync"; docs/client.md, "The list of conversations".
// Threads:  its client's I/O thread.
// Owner:    Sync.
#pragma once

#include "client/im/feeds.hpp"
#include "client/im/list.hpp"

#include <algorithm>
#include <deque>
#include <functional>
#include <string>
#include <utility>

namespace flare::client {

using MarkDone = std::function<void(Checked<ReadMark>)>;

class ReadMarks {
public:
    static constexpr std::size_t kMostAgain = 2;  // requests at a time by which marks are said again
    // Behind one that the server puts off, or counts without what the list has; twice as long each time in a row.
    static constexpr session::Duration kDelay = std::chrono::seconds(5);
    static constexpr session::Duration kLongestDelay = std::chrono::minutes(10);

    using Answered =
        std::function<void(const std::string& conversation, std::uint64_t epoch, const wire::im::ReadMark& said)>;
    // `changed`: the list may have changed. `answered`: the server has said it, and the list has it.
    ReadMarks(ConversationList& list, Feeds::Owner& owner, std::function<void()> changed, Answered answered)
        : list_(list), owner_(owner), changed_(std::move(changed)), answered_(std::move(answered)) {}

    void mark_read(const std::string& conversation, const Position& upto, MarkDone done);
    void mark_unread(const std::string& conversation, const Position& from, MarkDone done);
    // Another device has moved it. An older count is asked for again.
    void on_told(const std::string& conversation, std::uint64_t epoch, const wire::im::ReadMark& told);
    // Those that the server does not have: a sync has told what it has.
    void say_again();
    // The same, in a while.
    void say_later() {
        delay_ = kDelay;
        again();
    }

    session::TimePoint next_deadline() const noexcept { return again_at_; }
    void on_time();

private:
    void again() { again_at_ = std::min(again_at_, owner_.now() + delay_); }
    void go_on();
    using Unsaid = ConversationList::Unsaid;
    void ask(Unsaid asked, MarkDone done);
    void on_said(const Unsaid& asked, const Answer& answer);

    ConversationList& list_;
    Feeds::Owner& owner_;
    const std::function<void()> changed_;
    const Answered answered_;
    std::deque<Unsaid> unsaid_;
    std::size_t saying_ = 0;  // requests that say them
    bool filling_ = false;    // go_on() is at work
    session::TimePoint again_at_ = session::kNever;
    session::Duration delay_ = kDelay;  // until then, the next time
};

}  // namespace flare::client
