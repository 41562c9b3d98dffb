#include "transport/quic/ticket_store.hpp"

#include <algorithm>

namespace flare::transport::quic {

void TicketStore::keep(const std::string& server, Ticket ticket) {
    const std::lock_guard lock(mutex_);
    tickets_.remove_if([&](const auto& each) { return each.first == server; });
    tickets_.emplace_back(server, std::move(ticket));
    if (tickets_.size() > kMaxServers) tickets_.pop_front();
}

std::optional<Ticket> TicketStore::take(const std::string& server) {
    const std::lock_guard lock(mutex_);
    const auto found =
        std::find_if(tickets_.begin(), tickets_.end(), [&](const auto& each) { return each.first == server; });
    if (found == tickets_.end()) return std::nullopt;
    Ticket ticket = std::move(found->second);
    tickets_.erase(found);
    return ticket;
}

}  // namespace flare::transport::quic
