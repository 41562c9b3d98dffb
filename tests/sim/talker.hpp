// What the application of a client asks of rooms, and what it makes of the answers.
#pragma once

#include "sim/log_book.hpp"
#include "sim/world.hpp"
#include "wire/requests.hpp"

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace flare::sim {

class Talker {
public:
    // Its client. ask(): false: it takes no more.
    struct Client {
        std::string user{};
        std::string writer{};  // its process
        std::function<bool(const wire::RequestView& request, const std::string& room)> ask{};
        std::function<void(Duration delay, std::function<void()> run)> later{};
    };
    Talker(World& world, LogBook& book, Client client) : world_(world), book_(book), client_(std::move(client)) {}

    struct Request {
        wire::Verb verb = wire::Verb::unspecified;
        std::string room{};  // as a target: a room, or another user
        std::string body{};
        LogBook::Query query{};   // of a page
        model::Position about{};  // of a message that it changes; epoch 0: in whichever log there is
        std::string text{};       // of an edit, or the key of a reaction
    };
    // Asks for something of one of these rooms. `others`: users who may be members.
    void talk(const std::vector<std::string>& rooms, const std::vector<std::string>& others);
    void ask(const Uuid& id, Request request);
    void hears(const wire::ResponseView& response);
    void gave_up(const Uuid& id) { open_.erase(id); }

private:
    Request think_of(const std::vector<std::string>& rooms, const std::vector<std::string>& others);
    std::string make(const std::string& room, const std::vector<std::string>& others);
    std::string change_members(const Request& request, const std::string& other);
    void hears_page(const Request& request, const wire::ResponseView& response);
    void hears_change(const Request& request, const wire::ResponseView& response);

    World& world_;
    LogBook& book_;
    const Client client_;
    std::map<Uuid, Request> open_;
};

}  // namespace flare::sim
