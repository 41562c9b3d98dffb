#include "sim/ledger.hpp"

#include <charconv>

namespace flare::sim {

std::string write_letter(const std::string& conversation, std::uint64_t ordinal, std::size_t size) {
    std::string text = conversation + " " + std::to_string(ordinal) + " ";
    // The padding depends on the ordinal and the place, so that a piece in the wrong place shows.
    while (text.size() < size) text.push_back(static_cast<char>('a' + (text.size() + ordinal) % 23));
    return text;
}

Letter read_letter(World& world, std::string_view payload) {
    const std::size_t first = payload.find(' ');
    const std::size_t second = payload.find(' ', first + 1);
    world.require(first != std::string_view::npos && second != std::string_view::npos,
                  "a payload arrives as it was sent");
    Letter letter;
    letter.conversation = payload.substr(0, first);
    const auto parsed = std::from_chars(payload.data() + first + 1, payload.data() + second, letter.ordinal);
    const bool intact =
        parsed.ec == std::errc{} && write_letter(letter.conversation, letter.ordinal, payload.size()) == payload;
    world.require(intact, "a payload arrives as it was sent");
    return letter;
}

void Ledger::client_sends(const Uuid& id, const std::string& conversation, std::uint64_t ordinal) {
    open_[id] = {conversation, ordinal};
    everything_[id] = {conversation, ordinal};
}

void Ledger::server_acts(std::uint64_t life, const Uuid& id, const Letter& letter) {
    world_.trace("acts on " + letter.conversation + " " + std::to_string(letter.ordinal));
    world_.require(everything_.contains(id), "only what was sent is acted on");
    world_.require(acted_in_.emplace(life, id).second, "a message is acted on once in a server's life");
    world_.require(!withdrawn_.contains(id), "what is called not sent is never acted on");
    acted_.insert(id);
    std::uint64_t& last = last_acted_[std::to_string(life) + " " + letter.conversation];
    world_.require(letter.ordinal > last, "messages of a conversation are acted on in order");
    last = letter.ordinal;
}

void Ledger::forwarded(const session::SessionId& id, const Uuid& message, const Letter& letter) {
    world_.trace("forwards " + letter.conversation + " " + std::to_string(letter.ordinal));
    world_.require(everything_.contains(message), "only what was sent is forwarded");
    const bool first = forwarded_.emplace(id, message).second;
    world_.require(first || again_.contains(message), "a session takes a message once");
    world_.require(!withdrawn_.contains(message), "what is called not sent is never forwarded");
    acted_.insert(message);
}

void Ledger::stored(const Uuid& id) {
    world_.require(!withdrawn_.contains(id), "what is called not sent is never stored");
    acted_.insert(id);
}

void Ledger::client_hears(const session::Outcome& outcome) {
    world_.require(open_.erase(outcome.message_id) == 1, "a message has exactly one outcome");
    if (outcome.error == errc::ok) {
        world_.require(acted_.contains(outcome.message_id), "a receipt is given for what was acted on");
    } else if (outcome.error == errc::not_connected) {
        world_.require(!acted_.contains(outcome.message_id), "what is called not sent was not acted on");
        withdrawn_.insert(outcome.message_id);
    }
}

void Ledger::client_dies(const std::string& prefix) {
    std::erase_if(open_, [&](const auto& each) { return each.second.conversation.starts_with(prefix); });
}

void Ledger::delivered_to(const std::string& client, const session::SessionId& id, const Uuid& message,
                          const Letter& letter) {
    if (again_.contains(message)) return;
    // A client remembers for so long what it was given; in between servers may have come and gone.
    const auto [given, first] = given_.try_emplace({client, message}, world_.now());
    world_.require(first || world_.now() - given->second > remembered_, "a client is given a message once");
    given->second = world_.now();
    if (late_.contains(message)) return;
    std::uint64_t& last = last_given_[id.value.str() + " " + letter.conversation];
    world_.require(letter.ordinal > last, "a client is given a conversation in order");
    last = letter.ordinal;
}

void Ledger::compare(const session::SessionId& id, bool complete) {
    const auto by_conversation = [](const std::vector<std::string>& letters) {
        std::map<std::string, std::vector<std::string>> sorted;
        for (const std::string& letter : letters) sorted[letter.substr(0, letter.find(' '))].push_back(letter);
        return sorted;
    };
    const auto taken = by_conversation(taken_[id]);
    const auto got = by_conversation(got_[id]);
    for (const auto& [conversation, letters] : got) {
        const auto found = taken.find(conversation);
        world_.require(found != taken.end() && letters.size() <= found->second.size() &&
                           std::equal(letters.begin(), letters.end(), found->second.begin()),
                       "what a client gets of a session has no holes");
    }
    if (!complete) return;
    for (const auto& [conversation, letters] : taken) {
        const auto found = got.find(conversation);
        world_.require(found != got.end() && found->second.size() == letters.size(),
                       "a session that lives on loses nothing");
    }
}

void Ledger::created(std::uint64_t life, const Uuid& attempt, const session::SessionId& id) {
    world_.require(attempts_.emplace(life, attempt).second, "one connect makes one session");
    world_.require(alive_.insert(id).second, "a session is created once");
}

void Ledger::ended(const session::SessionId& id, errc reason) {
    world_.require(alive_.erase(id) == 1, "a session ends once");
    if (reason != errc::ok) cut_short_.insert(id);
}

}  // namespace flare::sim
