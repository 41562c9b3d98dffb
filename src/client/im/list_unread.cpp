// What is unread of a conversation in the list: known one by one, counted by the server, or by ends of the log.
#include "client/im/list.hpp"

#include "session/planted.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace flare::client {
namespace {

std::uint64_t less(std::uint64_t from, std::uint64_t what) { return from > what ? from - what : 0; }

}  // namespace

void ConversationList::State::move_mark(std::uint64_t offset) {
    has_read = std::max(has_read, offset);
    pass(offset);
}

// What is cleared and was not counted yet is not counted any more.
void ConversationList::State::clear(std::uint64_t upto) {
    if (upto > counted) {
        known_from = upto;
        count_upto(upto, std::nullopt);
    }
    pass(upto);
    if (flag.from <= upto && !flag.unsaid) flag.from = 0;
}

void ConversationList::State::pass(std::uint64_t offset) {
    if (offset <= mark) return;
    mark = offset;
    others.erase(others.begin(), std::upper_bound(others.begin(), others.end(), mark));
    if (mark >= known_from) {
        below = 0;
        more = false;
        count_from = 0;
    } else {
        below = std::min(below, known_from - mark);
    }
}

void ConversationList::State::count(std::uint64_t offset) {
    if (offset <= counted) return;
    counted = offset;
    if (offset <= mark) return;
    others.push_back(offset);
    if (others.size() > kMostOneByOne) fold();
}

void ConversationList::State::count_upto(std::uint64_t offset, std::optional<std::uint64_t> log_messages) {
    if (offset < counted) return;
    counted = offset;
    messages = log_messages;
    std::erase_if(own, [offset](std::uint64_t each) { return each <= offset; });
}

void ConversationList::State::note_own(std::uint64_t offset, bool is_counted) {
    if (offset <= counted) return;
    if (offset == counted + 1) {
        if (messages && is_counted) ++*messages;
        return count_upto(offset, messages);
    }
    const auto at = std::lower_bound(own.begin(), own.end(), offset);
    if (is_counted && own.size() < kMostOwn && (at == own.end() || *at != offset)) own.insert(at, offset);
}

// Of a message that an earlier session had sent: others may have been told the end of the log before.
void ConversationList::State::note_late_receipt(std::uint64_t offset) {
    const bool guessed = guessed_from && offset > *guessed_from && offset <= known_from;
    if (guessed && offset > mark) below = less(below, 1);
}

// Of what is new, only the number is known.
bool ConversationList::State::count_end(std::uint64_t last, std::uint64_t log_messages) {
    if (last <= counted) return false;
    const auto mine = static_cast<std::uint64_t>(std::upper_bound(own.begin(), own.end(), last) - own.begin());
    if (!guessed_from) guessed_from = counted;
    below += others.size();
    others.clear();
    if (messages) {
        below += less(log_messages, *messages + mine);
    } else {
        more = true;
    }
    known_from = last;
    count_upto(last, log_messages);
    if (mark < last) return true;
    below = 0;
    more = false;
    return true;
}

// The server has counted up to `last`; `found` are the messages of others that are in (from, last].
void ConversationList::State::count_page(ReadMark read, std::uint64_t last, std::uint64_t from,
                                         std::deque<std::uint64_t> found) {
    const std::uint64_t said_now = read.offset;
    said = std::max(said, said_now);
    has_read = std::max(has_read, said_now);
    read.offset = std::max(read.offset, settings.cleared_to);  // what is cleared does not count, either
    if (known_from > last) return pass(read.offset);           // it is older than all that is known
    for (const auto& [offset, of] : removals) {
        if (offset > last) std::erase(found, of);
    }
    // What is known one by one meets what the page has, or nothing is known of what is between.
    const bool meets = counted >= from;
    const std::uint64_t known_before = known_from;
    if (meets) {
        std::deque<std::uint64_t> all;
        std::set_union(others.begin(), others.end(), found.begin(), found.end(), std::back_inserter(all));
        others = std::move(all);
        known_from = std::min(known_from, from);
    } else {
        others = std::move(found);
        known_from = from;
    }
    counted = std::max(counted, last);
    const auto upto = [this](std::uint64_t offset) {
        return static_cast<std::uint64_t>(std::upper_bound(others.begin(), others.end(), offset) - others.begin());
    };
    if (read.offset >= mark || !meets) {
        below = read.offset >= known_from ? 0 : less(read.unread, upto(last) - upto(read.offset));
        more = read.offset < known_from && read.more;
        count_from = 0;
        guessed_from.reset();
        pass(std::exchange(mark, std::min(mark, read.offset)));
        pass(read.offset);
        // How many are between the two marks is not known: it is said again, and the answer has it.
        if (read.offset < mark && mark < known_from) said = said_now;
    } else {  // the mark is further than the server knows: what was counted since then holds
        below = mark >= known_from ? 0 : less(below, upto(known_before) - upto(mark));
        more = more && mark < known_from;
    }
    others.erase(others.begin(), std::upper_bound(others.begin(), others.end(), mark));
    while (others.size() > kMostOneByOne) fold();
    doubt_count(last);
}

bool ConversationList::State::count_answer(const wire::im::ReadMark& read) {
    said = std::max(said, read.offset);
    move_mark(read.offset);
    if (mark >= known_from) count_from = 0;
    if (std::max(read.offset, settings.cleared_to) != mark || mark >= known_from) return true;
    if (read.last < known_from) {
        said = 0;
        return false;
    }
    if (read.last > counted) {  // what is still to come is counted
        others.clear();
        known_from = read.last;
        count_upto(read.last, read.messages);
    }
    const auto seen = std::upper_bound(others.begin(), others.end(), read.last) - others.begin();
    below = less(read.unread, static_cast<std::uint64_t>(seen));
    more = read.more;
    guessed_from.reset();
    count_from = 0;
    doubt_count(read.last);
    return count_from == 0;
}

// If it is known one by one, it does not count any more; else nobody here knows whose it was, or that it was silent.
void ConversationList::State::count_removal(std::uint64_t offset, std::uint64_t of) {
    if (removals.empty() || offset > removals.back().first) removals.emplace_back(offset, of);
    if (removals.size() > kMostRemovals) removals.pop_front();
    if (session::planted(session::Fault::list_counts_deleted)) return;
    std::erase(others, of);
    const bool is_counted = offset <= counted;  // by the server, which knew of it
    if (!is_counted && of > mark && of <= known_from && below != 0) count_from = offset;
}

// Of what was counted before the newest deletion, more may be unread than there is.
void ConversationList::State::doubt_count(std::uint64_t counted_upto) noexcept {
    if (below != 0 && !removals.empty() && removals.back().first > counted_upto) count_from = removals.back().first;
}

// The oldest of those that are known one by one is counted with those below.
void ConversationList::State::fold() {
    known_from = others.front();
    others.pop_front();
    ++below;
}

}  // namespace flare::client
