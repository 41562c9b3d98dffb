#include "client/im/marks.hpp"

#include <algorithm>
#include <iterator>

namespace flare::client {

using session::kNever;

namespace {

auto call_of(const ConversationList::Unsaid& mark) {
    return mark.unread ? unmark_call(mark.name, mark.position) : mark_call(mark.name, mark.position);
}

}  // namespace

void ReadMarks::mark_read(const std::string& conversation, const Position& upto, MarkDone done) {
    (void)list_.mark(conversation, upto);
    changed_();
    ask({conversation, upto}, std::move(done));
}

void ReadMarks::mark_unread(const std::string& conversation, const Position& from, MarkDone done) {
    (void)list_.mark_unread(conversation, from);
    changed_();
    ask({conversation, from, true}, std::move(done));
}

void ReadMarks::ask(Unsaid asked, MarkDone done) {
    delay_ = kDelay;  // it has nothing to do with what was said in vain
    asked.said = list_.said_of(asked.name, asked.position.epoch);
    owner_.ask(*call_of(asked), [this, asked, done = std::move(done)](const Answer& answer) {
        on_said(asked, answer);
        const auto said = read_mark(answer);
        if (!said) return done(said.error());
        // The list knows of entries that the server has not counted.
        const auto now = list_.mark(asked.name, {asked.position.epoch, 0});
        done(now.value_or(ReadMark{said->offset, said->unread, said->more, said->unread_from, said->mentions}));
    });
}

void ReadMarks::on_said(const Unsaid& asked, const Answer& answer) {
    const auto said = read_mark(answer);
    const std::uint64_t epoch = asked.position.epoch;
    if (said) {
        // What is known here was not in the log yet as it counted.
        if (!list_.on_marked(asked.name, epoch, *said, asked.said)) again();
        answered_(asked.name, epoch, *said);
    } else if (boost::system::error_code(said.error().code) == errcond::retryable || answer.code == errc::outbox_full) {
        if (owner_.in_session()) again();  // else behind the next sync
    } else if (answer.code != errc::not_connected && answer.code != errc::connection_lost) {
        list_.on_mark_refused(asked.name, asked.unread);
    }
    changed_();
}

void ReadMarks::on_told(const std::string& conversation, std::uint64_t epoch, const wire::im::ReadMark& told) {
    if (!list_.on_marked(conversation, epoch, told)) again();
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
        const Unsaid next = std::move(unsaid_.front());
        unsaid_.pop_front();
        ++saying_;
        owner_.ask(*call_of(next), [this, next](const Answer& answer) {
            --saying_;
            on_said(next, answer);
            go_on();
        });
    }
    filling_ = false;
    if (saying_ == 0 && unsaid_.empty() && again_at_ == kNever) delay_ = kDelay;
}

void ReadMarks::on_time() {
    if (again_at_ > owner_.now()) return;
    delay_ = std::min(2 * delay_, kLongestDelay);
    say_again();
}

}  // namespace flare::client
