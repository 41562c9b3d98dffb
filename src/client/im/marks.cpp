#include "client/im/marks.hpp"

#include <iterator>

namespace flare::client {

using session::kNever;

void ReadMarks::mark_read(const std::string& conversation, const Position& upto, MarkDone done) {
    (void)list_.mark(conversation, upto);
    changed_();
    ask(*mark_call(conversation, upto), conversation, upto.epoch, std::move(done));
}

void ReadMarks::mark_unread(const std::string& conversation, const Position& from, MarkDone done) {
    (void)list_.mark_unread(conversation, from);
    changed_();
    ask(*unmark_call(conversation, from), conversation, from.epoch, std::move(done));
}

void ReadMarks::ask(const Call& call, const std::string& conversation, std::uint64_t epoch, MarkDone done) {
    const std::uint64_t flag = list_.said_of(conversation, epoch);
    owner_.ask(call, [this, conversation, epoch, flag, done = std::move(done)](const Answer& answer) {
        on_said(conversation, epoch, flag, answer);
        const auto said = read_mark(answer);
        if (!said) return done(said.error());
        // The list knows of entries that the server has not counted.
        const auto now = list_.mark(conversation, {epoch, 0});
        done(now.value_or(ReadMark{said->offset, said->unread, said->more, said->unread_from, said->mentions}));
    });
}

void ReadMarks::on_said(const std::string& conversation, std::uint64_t epoch, std::uint64_t flag,
                        const Answer& answer) {
    const auto said = read_mark(answer);
    if (said) {
        // What is known here was not in the log yet as it counted.
        if (!list_.on_marked(conversation, epoch, *said, flag)) again_at_ = std::min(again_at_, owner_.now() + kDelay);
        answered_(conversation, epoch, *said);
    } else if (boost::system::error_code(said.error().code) == errcond::retryable || answer.code == errc::outbox_full) {
        if (owner_.in_session()) again_at_ = std::min(again_at_, owner_.now() + kDelay);  // else behind the next sync
    } else if (answer.code != errc::not_connected && answer.code != errc::connection_lost) {
        list_.on_mark_refused(conversation);
    }
    changed_();
}

void ReadMarks::on_told(const std::string& conversation, std::uint64_t epoch, const wire::im::ReadMark& told) {
    if (!list_.on_marked(conversation, epoch, told)) again_at_ = std::min(again_at_, owner_.now() + kDelay);
    changed_();
}

void ReadMarks::say_again() {
    again_at_ = kNever;
    auto unsaid = list_.unsaid();
    unsaid_.assign(std::make_move_iterator(unsaid.begin()), std::make_move_iterator(unsaid.end()));
    go_on();
}

void ReadMarks::go_on() {
    if (std::exchange(filling_, true)) return;  // the loop below goes on
    while (saying_ < kMostAgain && !unsaid_.empty() && owner_.in_session()) {
        const ConversationList::Unsaid next = std::move(unsaid_.front());
        unsaid_.pop_front();
        ++saying_;
        const auto call = next.unread ? unmark_call(next.name, next.position) : mark_call(next.name, next.position);
        owner_.ask(*call, [this, next](const Answer& answer) {
            --saying_;
            on_said(next.name, next.position.epoch, next.said, answer);
            go_on();
        });
    }
    filling_ = false;
}

void ReadMarks::on_time() {
    if (again_at_ <= owner_.now()) say_again();
}

}  // namespace flare::client
