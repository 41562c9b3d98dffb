#include "client/im/marks.hpp"

namespace flare::client {

using session::kNever;

void ReadMarks::mark_read(const std::string& conversation, const Position& upto, MarkDone done) {
    (void)list_.mark(conversation, upto);
    changed_();
    owner_.ask(*mark_call(conversation, upto),
               [this, conversation, epoch = upto.epoch, done = std::move(done)](const Answer& answer) {
                   on_said(conversation, epoch, answer);
                   const auto said = read_mark(answer);
                   if (!said) return done(said.error());
                   // The list knows of entries that the server has not counted.
                   const auto now = list_.mark(conversation, {epoch, 0});
                   done(now.value_or(ReadMark{said->offset, said->unread, said->more}));
               });
}

void ReadMarks::on_said(const std::string& conversation, std::uint64_t epoch, const Answer& answer) {
    const auto said = read_mark(answer);
    if (said) {
        // What is known here was not in the log yet as it counted.
        if (!list_.on_marked(conversation, epoch, *said)) again_at_ = std::min(again_at_, owner_.now() + kDelay);
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
    const auto unsaid = list_.unsaid();
    unsaid_.assign(unsaid.begin(), unsaid.end());
    go_on();
}

void ReadMarks::go_on() {
    if (std::exchange(filling_, true)) return;  // the loop below goes on
    while (saying_ < kMostAgain && !unsaid_.empty() && owner_.in_session()) {
        const auto [name, upto] = std::move(unsaid_.front());
        unsaid_.pop_front();
        ++saying_;
        owner_.ask(*mark_call(name, upto), [this, name = name, epoch = upto.epoch](const Answer& answer) {
            --saying_;
            on_said(name, epoch, answer);
            go_on();
        });
    }
    filling_ = false;
}

void ReadMarks::on_time() {
    if (again_at_ <= owner_.now()) say_again();
}

}  // namespace flare::client
