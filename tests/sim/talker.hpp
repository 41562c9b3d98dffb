// What the application of a client asks of rooms, and what it makes of the answers.
#pragma once

#include "sim/follower.hpp"
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
    // `follower`: who is told what it subscribes to; it must outlive this.
    Talker(World& world, LogBook& book, Follower& follower, Client client)
        : world_(world), book_(book), follower_(follower), client_(std::move(client)) {}

    // Asks for something of one of these rooms. `others`: users who may be members.
    void talk(const std::vector<std::string>& rooms, const std::vector<std::string>& others);
    void hears(const wire::ResponseView& response);
    void gave_up(const Uuid& id) { open_.erase(id); }

private:
    struct Request {
        wire::Verb verb = wire::Verb::unspecified;
        std::string room{};  // as a target
        std::string body{};
        std::uint64_t after = 0;  // of a page that goes forward
        bool forward = false;
    };
    Request think_of(const std::vector<std::string>& rooms, const std::vector<std::string>& others);
    void ask(const Uuid& id, Request request);
    std::string make(const std::string& room, const std::vector<std::string>& others);
    std::string change_members(const Request& request, const std::string& other);
    void hears_of_feed(const Request& request, const wire::ResponseView& response);
    void hears_page(const Request& request, const wire::ResponseView& response);
    void hears_change(const Request& request, const wire::ResponseView& response);

    World& world_;
    LogBook& book_;
    Follower& follower_;
    const Client client_;
    std::map<Uuid, Request> open_;
};

}  // namespace flare::sim
