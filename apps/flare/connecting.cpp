#include "connecting.hpp"

#include <atomic>
#include <csignal>
#include <thread>

namespace flare::cli {

std::optional<Checked<Protocol>> connect_or_signal(Client& client, Inbox& inbox) {
    std::optional<Checked<Protocol>> result;
    std::atomic<bool> done{false};
    std::thread connecting([&] {
        result.emplace(client.connect());
        done = true;
        inbox.wake();
    });
    bool interrupted = false;
    while (!done) {
        const int signal = inbox.wait().signal;
        if (signal == 0 || signal == SIGWINCH || signal == SIGTSTP) continue;
        interrupted = true;
        client.disconnect();
        break;
    }
    connecting.join();
    inbox.wake();  // what came meanwhile is in the inbox, and its wake-up was
                   // taken above
    if (interrupted) return {};
    return result;
}

std::optional<Failure> final_failure(const Event& event, const Client& client) {
    if (const auto* const gone = std::get_if<event::ReconnectFailed>(&event)) return gone->reason;
    const auto* const lost = std::get_if<event::Disconnected>(&event);
    if (lost != nullptr && lost->reason.code != errc::ok && client.get_status() == ClientStatus::disconnected)
        return lost->reason;
    return {};
}

bool is_about_list(const event::CapabilityUnavailable& event) { return event.capability == "sync_conversations"; }

}  // namespace flare::cli
