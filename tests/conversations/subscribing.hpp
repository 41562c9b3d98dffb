// Clients that subscribe to conversations of a server with a store, and what each of them was told.
#pragma once

#include "conversations/storing.hpp"

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

namespace flare::test {

// What a client heard of a log.
struct Told {
    std::uint64_t offset = 0;
    std::string text;  // "bob: hello", "bob edited 3: text", or the kind of another entry
};

class Subscriptions : public ::testing::Test {
protected:
    ServerBuilder storing() const { return with_store(quiet_server(), folder); }
    static void join(Client& client) {
        const auto joined = client.conversations().join("room:tea");
        EXPECT_TRUE(joined) << joined.error().text;
    }
    static Subscription subscribe(Client& client, const std::string& name, const SubscribeOptions& options = {}) {
        const auto begun = client.conversations().subscribe(name, options);
        EXPECT_TRUE(begun) << begun.error().text;
        return begun ? *begun : Subscription();
    }
    // A room of these, who are all told what is written from now on.
    static void gather(std::vector<Client*> clients) {
        make_open_room(*clients.front());
        for (std::size_t i = 1; i < clients.size(); ++i) join(*clients[i]);
        for (Client* const client : clients) (void)subscribe(*client, "room:tea");
    }
    static Message numbered(int number) { return {"text", Bytes(std::to_string(number))}; }

    static std::optional<Told> told_by(const Event& event) {
        if (const auto* received = std::get_if<event::MessageReceived>(&event); received && received->stored)
            return Told{received->stored->position.offset,
                        received->message.from + ": " + received->message.payload.str()};
        if (const auto* own = std::get_if<event::OwnMessage>(&event))
            return Told{own->stored.position.offset, "I: " + own->message.payload.str()};
        if (const auto* other = std::get_if<event::EntryReceived>(&event))
            return Told{other->stored.position.offset, std::string(name(other->entry.kind))};
        if (const auto* changed = std::get_if<event::MessageChanged>(&event))
            return Told{changed->stored.position.offset, changed->by + " " + std::string(name(changed->what)) + " " +
                                                             std::to_string(changed->offset) + ": " +
                                                             changed->payload.str() + changed->reaction};
        return std::nullopt;
    }
    // Of subscriptions, in the order of the events.
    static std::vector<Told> told(Events& events) {
        std::vector<Told> all;
        events.wait([&](const std::vector<Event>& seen) {
            for (const Event& event : seen) {
                if (auto one = told_by(event)) all.push_back(std::move(*one));
            }
            return true;
        });
        return all;
    }
    static bool hears(Events& events, std::size_t count) {
        return events.wait([&](const std::vector<Event>& seen) {
            return static_cast<std::size_t>(std::count_if(seen.begin(), seen.end(), [](const Event& event) {
                       return told_by(event).has_value();
                   })) >= count;
        });
    }
    static bool hears_text(Events& events, const std::string& text) {
        return events.wait([&](const std::vector<Event>& seen) {
            return std::any_of(seen.begin(), seen.end(), [&](const Event& event) {
                const auto one = told_by(event);
                return one && one->text == text;
            });
        });
    }
    static std::vector<std::string> texts(Events& events) {
        std::vector<std::string> all;
        for (const Told& each : told(events)) all.push_back(each.text);
        return all;
    }
    static std::vector<std::string> counted(const std::string& from, int first, int upto) {
        std::vector<std::string> all;
        for (int i = first; i < upto; ++i) all.push_back(from + ": " + std::to_string(i));
        return all;
    }
    // Offsets that were told or sent, each once; what was told ascends.
    static std::vector<std::uint64_t> offsets(Events& events) {
        std::vector<std::uint64_t> all;
        for (const Told& each : told(events)) {
            EXPECT_TRUE(all.empty() || each.offset > all.back()) << "not in the order of the log";
            all.push_back(each.offset);
        }
        for (const auto& sent : events.all<event::MessageSent>()) {
            if (sent.stored) all.push_back(sent.stored->position.offset);
        }
        std::sort(all.begin(), all.end());
        EXPECT_EQ(std::adjacent_find(all.begin(), all.end()), all.end()) << "told twice";
        return all;
    }
    static std::vector<std::uint64_t> range(std::uint64_t first, std::uint64_t last) {
        std::vector<std::uint64_t> all;
        for (std::uint64_t i = first; i <= last; ++i) all.push_back(i);
        return all;
    }

    Folder folder;
    Events at_ann;
    Events at_bob;
    Events at_eve;
};

}  // namespace flare::test
