#include "chat_settings.hpp"

#include "phrases.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <optional>

namespace flare::cli {
namespace {

constexpr std::array<std::string_view, 6> kChoices{"/clear", "/pin", "/unpin", "/hide", "/show", "/notify"};

std::optional<NotifyLevel> level_of(std::string_view text) {
    for (const NotifyLevel each : {NotifyLevel::all, NotifyLevel::mentions, NotifyLevel::none})
        if (name(each) == text) return each;
    return std::nullopt;
}

}  // namespace

bool ChatSettings::knows(std::string_view word) noexcept { return std::ranges::find(kChoices, word) != kChoices.end(); }

void ChatSettings::help() {
    view_.note("/pin, /unpin: keep this conversation at the top of /rooms; /hide: leave it out until the next message");
    view_.note(
        "/notify all, mentions or none [8h]: which messages wake your devices; /clear: forget what is here, for you");
}

void ChatSettings::command(const std::string& word, const std::string& rest, const std::string& conversation,
                           const Position& end) {
    if (word == "/notify") return notify(rest, conversation);
    if (word == "/clear") {
        const auto cleared = client_.settings().clear(conversation, end);
        return view_.note(cleared ? conversation + " is cleared for you, on all your devices; others still see it"
                                  : "/clear: " + cleared.error().text);
    }
    SettingsChange change;
    if (word == "/pin") {
        const auto now = std::chrono::system_clock::now().time_since_epoch();
        // The last one is first.
        change.pinned = static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::seconds>(now).count());
        return set(conversation, change, conversation + " is pinned: /rooms shows it first");
    }
    if (word == "/unpin") {
        change.pinned = 0;
        return set(conversation, change, conversation + " is not pinned any more");
    }
    change.hidden = word == "/hide";
    set(conversation, change,
        *change.hidden ? conversation + " is hidden until the next message; /show ends that"
                       : conversation + " is not hidden any more");
}

void ChatSettings::notify(const std::string& rest, const std::string& conversation) {
    const std::size_t space = rest.find(' ');
    const auto level = level_of(rest.substr(0, space));
    const auto time = space == rest.npos ? std::nullopt : span_of(rest.substr(rest.find_first_not_of(' ', space)));
    if (!level || (space != rest.npos && (!time || level != NotifyLevel::none)))
        return view_.note("/notify all, /notify mentions, /notify none, or for a time: /notify none 8h");
    SettingsChange change;
    if (time) {
        change.muted_until = std::chrono::system_clock::now() + *time;
        return set(conversation, change, conversation + " wakes none of your devices for " + span_text(*time));
    }
    change.notify = level;
    change.muted_until = std::chrono::system_clock::time_point();
    set(conversation, change,
        *level == NotifyLevel::all        ? "every message in " + conversation + " wakes your devices"
        : *level == NotifyLevel::mentions ? "only messages that name you wake your devices in " + conversation
                                          : conversation + " wakes none of your devices");
}

void ChatSettings::set(const std::string& conversation, const SettingsChange& change, const std::string& done) {
    const auto now = client_.settings().set(conversation, change);
    view_.note(now ? done : now.error().text);
}

}  // namespace flare::cli
