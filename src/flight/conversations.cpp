#include "flight/conversations.hpp"

#include "flight/teller.hpp"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

namespace flare::flight {
namespace {

constexpr std::size_t kMostPlaces = 1000;  // of a story; a client has at most 500 subscriptions at a time
constexpr std::size_t kMostNamed = 4;      // conversations in a sentence about many
constexpr std::size_t kMostGaps = 20;      // of a conversation, in the summary

std::uint64_t whole(const Record& record, std::string_view key) {
    return static_cast<std::uint64_t>(std::max(0.0, record.number(key)));
}

std::string decimal(std::uint64_t number) { return std::to_string(number); }

std::string entries(std::uint64_t first, std::uint64_t last) {
    return first == last ? "entry " + decimal(first) : "entries " + decimal(first) + " to " + decimal(last);
}

// Why entries are not told, and where they are.
std::string why(const std::string& reason) {
    if (reason == "too_far_behind")
        return "more was missed than a subscription sends without with_complete(); history() has them";
    if (reason == "pruned") return "the server had removed them by its rules of retention";
    if (reason == "other_epoch")
        return "the log has begun anew, as after a restored backup; history() has what it holds";
    if (reason == "diverged")
        return "the log does not have the entry after which the subscription was to begin; history() has what it holds";
    if (reason == "skipped")
        return "the server did not send them, as with own messages whose outcome is unknown; history() may have them";
    return "the server gave no reason that this version knows; history() may have them";
}

}  // namespace

void ConversationTeller::say(std::string text, Mood mood) {
    same_ = Same::none;
    story_.sentences.push_back({now_, mood, std::move(text)});
}

// The first of a kind has a sentence of its own, which becomes one about all of them.
void ConversationTeller::say_of_many(Same what, const std::string& conversation, const std::string& text) {
    const bool joins = same_ == what && same_at_ + 1 == story_.sentences.size();
    if (!joins || std::find(joined_.begin(), joined_.end(), conversation) != joined_.end()) {
        say(text);
        same_ = what;
        same_at_ = story_.sentences.size() - 1;
        joined_.assign(1, conversation);
        return;
    }
    joined_.push_back(conversation);
    std::string names;
    for (std::size_t i = 0; i < std::min(joined_.size(), kMostNamed); ++i) names += (i == 0 ? "" : ", ") + joined_[i];
    if (joined_.size() > kMostNamed) names += " and " + decimal(joined_.size() - kMostNamed) + " more";
    const std::string count = decimal(joined_.size());
    story_.sentences.back().text =
        what == Same::subscribed  ? "Subscribed to " + count + " conversations: " + names + "."
        : what == Same::continues ? count + " subscriptions continue: " + names + "."
                                  : "Entries had been delivered of " + count + " conversations: " + names + ".";
}

ConversationTeller::Place* ConversationTeller::place_of(const std::string& conversation) {
    const auto found = places_.find(conversation);
    if (found != places_.end()) return &found->second;
    if (places_.size() == kMostPlaces) return nullptr;
    story_.conversations.push_back({conversation, 0, 0, {}, {}});
    return &places_.emplace(conversation, Place{{}, 0, story_.conversations.size() - 1}).first->second;
}

bool ConversationTeller::take(const Record& record, double now) {
    static constexpr std::array<std::string_view, 10> kEvents{
        "subscribed",           "subscription_listed", "subscription_renewed", "history_gap",  "subscription_refused",
        "subscription_put_off", "subscription_ended",  "subscription_dropped", "unsubscribed", "subscription"};
    const std::string event = record.event();
    if (std::find(kEvents.begin(), kEvents.end(), event) == kEvents.end()) return false;
    const std::string conversation = record.text("conversation");
    if (!only_.empty() && conversation != only_) return true;
    Place* const place = place_of(conversation);
    if (place == nullptr) return true;
    now_ = now;
    story_.conversations[place->index].delivered += whole(record, "told");
    if (event == "history_gap") {
        gap(record, *place);
    } else {
        happened(event, record, *place);
    }
    return true;
}

// To a subscription that is at an entry.
void ConversationTeller::happened(const std::string& event, const Record& record, Place& place) {
    Story::OfConversation& sum = story_.conversations[place.index];
    const std::uint64_t at = whole(record, "at");
    const std::string entry = "entry " + decimal(at);
    if (event == "subscribed") {
        subscribed(record, place);
        sum.ended.clear();
    } else if (event == "subscription_listed") {
        sum.ended.clear();
        say_of_many(Same::subscribed, sum.name,
                    "The list of conversations has " + sum.name + ": entries after " + decimal(at) + " are delivered.");
    } else if (event == "subscription_dropped") {
        say("The list of conversations no longer has " + sum.name + " live: entries up to " + decimal(at) +
                " had been delivered.",
            Mood::bad);
    } else if (event == "subscription_renewed") {
        renewed(record);
    } else if (event == "subscription_refused") {
        say("There was no memory for entries of " + sum.name + " that arrived: the client asks for them again, after " +
                entry + ".",
            Mood::bad);
    } else if (event == "subscription_put_off") {
        say("The server did not renew the subscription to " + sum.name + " (" + record.text("code") +
                "): the client asks again in " + duration(record.number("retry_after_ms")) + ".",
            Mood::bad);
    } else if (event == "subscription_ended") {
        sum.ended = record.text("code");
        say("The subscription to " + sum.name + " ended after " + entry + after_colon(record.text("text")) + " (" +
                sum.ended + ").",
            Mood::bad);
    } else if (event == "unsubscribed") {
        say("The application unsubscribed from " + sum.name + ": entries up to " + decimal(at) +
            " had been delivered.");
    } else {
        say_of_many(Same::stands, sum.name,
                    "Entries of " + sum.name + " had been delivered up to " + decimal(at) + ".");
    }
    place.epoch = record.text("epoch");
    place.at = sum.last = at;
}

void ConversationTeller::subscribed(const Record& record, const Place& place) {
    const std::string conversation = record.text("conversation");
    const std::uint64_t at = whole(record, "at");
    const std::string newest = "; the newest was " + decimal(whole(record, "newest")) + ".";
    if (!record.has("asked")) {
        return say_of_many(Same::subscribed, conversation,
                           "Subscribed to " + conversation + " without a position: entries after " + decimal(at) +
                               ", the newest, are delivered.");
    }
    const std::uint64_t asked = whole(record, "asked");
    const bool same_log = record.text("asked_epoch") == record.text("epoch");
    std::string text = "Subscribed to " + conversation + ": the application asked for entries after " + decimal(asked);
    if (!same_log) text += " of an earlier log";
    text += same_log && at > asked ? ", and gets those after " + decimal(at) + newest : newest;
    // What this client has delivered already.
    const std::uint64_t delivered =
        std::max(whole(record, "before"), place.epoch == record.text("epoch") ? place.at : 0);
    if (same_log && delivered > at)
        text += " It had been given those up to " + decimal(delivered) + ", and gets " + entries(at + 1, delivered) +
                " again.";
    say(std::move(text));
}

void ConversationTeller::renewed(const Record& record) {
    const std::string conversation = record.text("conversation");
    const std::uint64_t at = whole(record, "at");
    const std::uint64_t newest = whole(record, "newest");
    std::string text = "The subscription to " + conversation + " continues after entry " + decimal(at);
    if (newest > at) text += ", and catches up with " + entries(at + 1, newest);
    say_of_many(Same::continues, conversation, text + ".");
}

void ConversationTeller::gap(const Record& record, Place& place) {
    const std::string conversation = record.text("conversation");
    const std::string reason = record.text("reason");
    const std::uint64_t first = whole(record, "first");
    const std::uint64_t last = whole(record, "last");
    Story::OfConversation& sum = story_.conversations[place.index];
    place.epoch = record.text("epoch");
    place.at = sum.last = last;
    if (first > last)
        return say(conversation + ": its log is another one, in which nothing is missing [" + reason + "].");
    if (sum.gaps.size() < kMostGaps) sum.gaps.push_back({first, last, reason});
    say(conversation + ": " + entries(first, last) + (first == last ? " is" : " are") + " not delivered, because " +
            why(reason) + ". [" + reason + "]",
        Mood::bad);
}

}  // namespace flare::flight
