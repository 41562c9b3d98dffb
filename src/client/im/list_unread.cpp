// What is unread of a conversation in the list: known one by one, counted by the server, or by ends of the log.
#include "client/im/list.hpp"

#include "session/planted.hpp"

#include <algorithm>
#include <functional>
#include <iterator>
#include <utility>

namespace flare::client {
namespace {

std::uint64_t less(std::uint64_t from, std::uint64_t what) { return from > what ? from - what : 0; }

std::uint64_t number_of(auto begin, auto end) { return static_cast<std::uint64_t>(end - begin); }

}  // namespace

std::uint64_t ConversationList::State::mentions() const noexcept {
    return mentions_below + static_cast<std::uint64_t>(std::ranges::count_if(others, &Unread::mentions));
}

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
    others.erase(others.begin(), std::ranges::upper_bound(others, mark, {}, &Unread::offset));
    if (mark >= known_from) {
        below = 0;
        more = false;
        count_from = 0;
    } else {
        below = std::min(below, known_from - mark);
    }
    mentions_below = std::min(mentions_below, below);
}

void ConversationList::State::count(const Unread& message) {
    if (message.offset <= counted) return;
    counted = message.offset;
    if (message.offset <= mark) return;
    others.push_back(message);
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
    mentions_below = mentions();
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
    below = mentions_below = 0;
    more = false;
    return true;
}

// There may be others between it and what was counted: the server knows.
void ConversationList::State::count_mention(std::uint64_t offset) {
    if (offset <= mark || mark >= known_from) return;
    mentions_below = std::min(mentions_below + 1, below);
    count_from = std::max(count_from, offset);
}

// The server has counted up to `last`; `found` are the messages of others that are in (from, last].
void ConversationList::State::count_page(ReadMark read, std::uint64_t last, std::uint64_t from, AllUnread found) {
    const std::uint64_t said_now = read.offset;
    said = std::max(said, said_now);
    has_read = std::max(has_read, said_now);
    read.offset = std::max(read.offset, settings.cleared_to);  // what is cleared does not count, either
    if (known_from > last) return pass(read.offset);           // it is older than all that is known
    for (const auto& [offset, of] : removals) {
        if (offset > last) std::erase_if(found, [of](const Unread& each) { return each.offset == of; });
    }
    // What is known one by one meets what the page has, or nothing is known of what is between.
    const bool meets = counted >= from;
    const std::uint64_t known_before = known_from;
    if (meets) {
        AllUnread all;
        std::ranges::set_union(others, found, std::back_inserter(all), {}, &Unread::offset, &Unread::offset);
        others = std::move(all);
        known_from = std::min(known_from, from);
    } else {
        others = std::move(found);
        known_from = from;
    }
    counted = std::max(counted, last);
    // Of those that are known one by one, behind `after`, up to `offset`: all, and those that mention the user.
    const auto between = [this](std::uint64_t after, std::uint64_t offset) {
        const auto begin = std::ranges::upper_bound(others, after, {}, &Unread::offset);
        const auto end = std::max(begin, std::ranges::upper_bound(others, offset, {}, &Unread::offset));
        return std::pair(number_of(begin, end),
                         static_cast<std::uint64_t>(std::count_if(begin, end, std::mem_fn(&Unread::mentions))));
    };
    if (read.offset >= mark || !meets) {
        const auto [unread, mentioned] = between(read.offset, last);
        below = read.offset >= known_from ? 0 : less(read.unread, unread);
        mentions_below = std::min(below, less(read.mentions, mentioned));
        more = read.offset < known_from && read.more;
        count_from = 0;
        guessed_from.reset();
        pass(std::exchange(mark, std::min(mark, read.offset)));
        pass(read.offset);
        // How many are between the two marks is not known: it is said again, and the answer has it.
        if (read.offset < mark && mark < known_from) said = said_now;
    } else {  // the mark is further than the server knows: what was counted since then holds
        const auto [unread, mentioned] = between(mark, known_before);
        below = mark >= known_from ? 0 : less(below, unread);
        mentions_below = std::min(below, less(mentions_below, mentioned));
        more = more && mark < known_from;
    }
    others.erase(others.begin(), std::ranges::upper_bound(others, mark, {}, &Unread::offset));
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
    const auto seen = std::ranges::upper_bound(others, read.last, {}, &Unread::offset);
    const auto mentioned = std::count_if(others.begin(), seen, std::mem_fn(&Unread::mentions));
    below = less(read.unread, number_of(others.begin(), seen));
    mentions_below = std::min(below, less(read.mentions, static_cast<std::uint64_t>(mentioned)));
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
    std::erase_if(others, [of](const Unread& each) { return each.offset == of; });
    const bool is_counted = offset <= counted;  // by the server, which knew of it
    if (!is_counted && of > mark && of <= known_from && below != 0) count_from = offset;
}

// Of what was counted before the newest deletion, more may be unread than there is.
void ConversationList::State::doubt_count(std::uint64_t counted_upto) noexcept {
    if (below != 0 && !removals.empty() && removals.back().first > counted_upto) count_from = removals.back().first;
}

// The oldest of those that are known one by one is counted with those below.
void ConversationList::State::fold() {
    known_from = others.front().offset;
    mentions_below += others.front().mentions;
    others.pop_front();
    ++below;
}

}  // namespace flare::client
