// Which conversations a page of a list names, and what counts as unread: what all engines do alike.
//
// Protocol: docs/store.md, "Listing".
// Threads:  values.
// Owner:    a reader, for one call.
#pragma once

#include "model/entry.hpp"
#include "store/engine.hpp"
#include "store/planted.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <tuple>
#include <vector>

namespace flare::store {

// A membership, as far as a list has to know it in order to choose.
struct Candidate {
    std::uint64_t stamp = 0;  // Listed::stamp
    Row row = 0;
    bool gone = false;
    bool invitation = false;

    friend bool operator>(const Candidate& a, const Candidate& b) noexcept {
        return std::tie(a.stamp, a.row) > std::tie(b.stamp, b.row);
    }
};

// Whoever has left hears no more of the log; who is invited hears of its end.
struct ListedStamps {
    std::uint64_t member = 0;
    std::uint64_t log = 0;
    bool removed = false;  // the conversation
};
constexpr std::uint64_t stamp_of(model::Role role, bool invited, const ListedStamps& stamps) noexcept {
    const bool hears = role != model::Role::none || (invited && stamps.removed);
    return hears ? std::max(stamps.member, stamps.log) : stamps.member;
}

class ListChoice {
public:
    // committed: the last stamp. forgotten: that of the newest removal of which nothing is known any more.
    ListChoice(const ListRequest& request, std::uint64_t committed, std::uint64_t forgotten) noexcept
        : request_(request),
          upto_(request.upto == 0 ? committed : request.upto),
          above_(request.above > committed || request.above < forgotten ? 0 : request.above) {}

    std::uint64_t upto() const noexcept { return upto_; }
    std::uint64_t above() const noexcept { return above_; }

    // Of each membership and each invitation of the user, in any order. Not of who was banned without ever having been
    // a member.
    void see(const Candidate& each) {
        if (request_.upto != 0 && each.stamp > upto_) return;
        if (each.stamp > above_) {
            const bool is_behind = Candidate{request_.before_stamp, request_.before_row} > each;
            if (is_behind && !(each.gone && above_ == 0)) found_.push_back(each);
        } else if (request_.with_rest && !each.gone && !each.invitation) {
            rest_.push_back(each);
        }
    }
    // After the last one.
    void finish() {
        more_ = newest(found_, limit());
        if (more_) rest_.clear();
        newest(rest_, request_.most_rest);
    }

    const std::vector<Candidate>& found() const noexcept { return found_; }
    const std::vector<Candidate>& rest() const noexcept { return rest_; }
    bool more() const noexcept { return more_; }
    std::size_t limit() const noexcept { return std::clamp<std::size_t>(request_.limit, 1, kMost); }

private:
    static constexpr std::size_t kMost = 1000;

    // Leaves `most` of them, newest first. True: there were more.
    static bool newest(std::vector<Candidate>& all, std::size_t most) {
        const bool more = all.size() > most;
        const auto end = all.begin() + static_cast<std::ptrdiff_t>(std::min(most, all.size()));
        std::partial_sort(all.begin(), end, all.end(), std::greater<>());
        all.erase(end, all.end());
        return more;
    }

    const ListRequest& request_;
    std::uint64_t upto_;
    std::uint64_t above_;
    std::vector<Candidate> found_{};
    std::vector<Candidate> rest_{};
    bool more_ = false;
};

// Counts what a user has not read, from the newest entry down.
class UnreadCount {
public:
    // Of an entry.
    struct Seen {
        bool is_unread = false;  // a message, neither silent nor deleted
        bool counts = false;     // in `messages`: a message, not silent
        bool mentions = false;   // somebody, or all
        Row sender = 0;
        std::uint64_t messages = 0;  // Head::messages with it
    };

    UnreadCount(const Listed& of, std::uint32_t most) noexcept : of_(of), most_(most) {
        const std::uint64_t first = std::max({of.conversation.head.first, of.member.visible_from, std::uint64_t{1}});
        const std::uint64_t cleared_to = planted(Fault::unread_counts_cleared) ? 0 : of.settings.cleared_to;
        base_ = std::max({of.mark.offset, cleared_to, first - 1});
        const bool none = of.is_gone() || of.is_invitation() || of.conversation.head.messages <= of.mark.messages;
        if (none) base_ = newest();
        oldest_ = std::max(base_ + 1, newest() - std::min(newest(), kScanned - 1));
    }

    // The offsets to be looked at; none if newest() < oldest().
    std::uint64_t newest() const noexcept { return of_.conversation.head.last.offset; }
    std::uint64_t oldest() const noexcept { return oldest_; }
    // Everything up to it is read, or not for this user.
    std::uint64_t base() const noexcept { return base_; }
    // One after the other, from newest() down. False: the count is complete.
    bool add(const Seen& seen) noexcept {
        const bool unread = is_unread(seen);
        mentions_ = mentions_ || (unread && seen.mentions);
        if (unread && unread_.count == most_) {
            unread_.more = true;
            return false;
        }
        unread_.count += unread;
        none_below_ = seen.messages - seen.counts <= of_.mark.messages;
        return !none_below_;
    }
    Unread total() const noexcept {
        const bool stopped = oldest_ > base_ + 1 && newest() >= oldest_;
        return {unread_.count, unread_.more || (stopped && !none_below_), unread_.mentions};
    }

    // ---- mentions: after that ----

    static constexpr std::uint32_t kMostMentions = 1000;  // that are looked at

    // Whether there can be any: then entries that mention the user or all are to be shown, from the newest down to
    // base(), each once.
    bool may_have_mentions() const noexcept { return mentions_ || total().more; }
    // False: the count is complete.
    bool add_mention(const Seen& seen) noexcept {
        unread_.mentions += is_unread(seen) && unread_.mentions < most_;
        return unread_.mentions < most_;
    }

private:
    static constexpr std::uint64_t kScanned = 1000;

    bool is_unread(const Seen& seen) const noexcept { return seen.is_unread && seen.sender != of_.member.user; }

    const Listed& of_;
    std::uint32_t most_;
    std::uint64_t base_ = 0;  // everything up to it is read, or not for this user
    std::uint64_t oldest_ = 0;
    Unread unread_{};
    bool none_below_ = false;  // below the last one that was seen there are no messages above the mark
    bool mentions_ = false;    // an unread one does
};

}  // namespace flare::store
