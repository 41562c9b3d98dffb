#include "transport/quic/ticket_store.hpp"

#include "base/log.hpp"
#include "wire/base64.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <sstream>

#include <fcntl.h>
#include <unistd.h>

namespace flare::transport::quic {

TicketStore::TicketStore(std::string file) : file_(std::move(file)) {
    if (!file_.empty()) load();
}

// A line for each server: its name, the ticket, the parameters; the latter two in base64.
void TicketStore::load() {
    std::ifstream stream(file_);
    for (std::string line; std::getline(stream, line) && tickets_.size() < kMaxServers;) {
        std::istringstream words(line);
        std::string server;
        std::string session;
        std::string parameters;
        words >> server >> session >> parameters;
        auto ticket = wire::from_base64(session);
        auto remembered = wire::from_base64(parameters);
        if (!ticket || !remembered || ticket->empty() || remembered->empty()) continue;
        tickets_.emplace_back(server, Ticket{std::move(*ticket), std::move(*remembered)});
    }
}

// Into a file beside it, which then takes its place: a crash leaves the one or the other.
void TicketStore::save() {
    if (file_.empty()) return;
    std::string text;
    for (const auto& [server, ticket] : tickets_) {
        text += server + " " + wire::to_base64(ticket.session) + " " + wire::to_base64(ticket.parameters) + "\n";
    }
    const std::string fresh = file_ + ".new";
    const int fd = ::open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    const bool written = fd >= 0 && ::write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size());
    const bool closed = fd >= 0 && ::close(fd) == 0;
    if (written && closed && std::rename(fresh.c_str(), file_.c_str()) == 0) return;
    if (!warned_) base::log().warn("tickets cannot be kept in {}: {}", file_, std::strerror(errno));
    warned_ = true;
}

void TicketStore::keep(const std::string& server, Ticket ticket) {
    const std::lock_guard lock(mutex_);
    tickets_.remove_if([&](const auto& each) { return each.first == server; });
    tickets_.emplace_back(server, std::move(ticket));
    if (tickets_.size() > kMaxServers) tickets_.pop_front();
    save();
}

std::optional<Ticket> TicketStore::take(const std::string& server) {
    const std::lock_guard lock(mutex_);
    const auto found =
        std::find_if(tickets_.begin(), tickets_.end(), [&](const auto& each) { return each.first == server; });
    if (found == tickets_.end()) return std::nullopt;
    Ticket ticket = std::move(found->second);
    tickets_.erase(found);
    save();
    return ticket;
}

}  // namespace flare::transport::quic
