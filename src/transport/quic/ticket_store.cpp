#include "transport/quic/ticket_store.hpp"

#include "base/file.hpp"
#include "base/log.hpp"
#include "wire/base64.hpp"

#include <algorithm>
#include <sstream>

namespace flare::transport::quic {
namespace {

constexpr const char* kTicketFileWhat = "ticket file";
constexpr std::size_t kMaxTicketFileBytes = 4u << 20;  // 64 servers with tickets of 16 KB each come nowhere near

}  // namespace

TicketStore::TicketStore(std::string file) : file_(std::move(file)) {
    if (!file_.empty()) load();
}

// A line for each server: its name, the ticket, the parameters; the latter two in base64.
void TicketStore::load() {
    const auto text = base::read_file(file_, kTicketFileWhat, kMaxTicketFileBytes, base::Access::kept);
    if (!text) {
        if (text.error().code != errc::file_not_found) base::log().warn("{}; it is not used", text.error().text);
        return;
    }
    std::istringstream stream(*text);
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

void TicketStore::save() {
    if (file_.empty()) return;
    std::string text;
    for (const auto& [server, ticket] : tickets_) {
        text += server + " " + wire::to_base64(ticket.session) + " " + wire::to_base64(ticket.parameters) + "\n";
    }
    const auto written = base::put_file(file_, kTicketFileWhat, text, {});
    if (written) return;
    if (!warned_) base::log().warn("tickets are not kept: {}", written.error().text);
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
