// Devices that take pushes: the requests push.register and push.unregister, and the end of a user's devices.
//
// Protocol: docs/protocol.md, "Push".
// Threads:  its worker's.
// Owner:    Conversations.
#pragma once

#include "server/conversations/store_access.hpp"
#include "server/conversations/user_rows.hpp"
#include "server/worker/executor.hpp"
#include "server/worker/router.hpp"
#include "session/session_table.hpp"
#include "wire/requests.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace flare::server {

class PushDevices {
public:
    // Users whose devices could not be taken out yet, and are tried again; of more, it is logged.
    static constexpr std::size_t kMostToForget = 1024;

    struct Parts {
        Router& router;
        Executor& executor;
        StoreAccess& store;
        UserRows& rows;
        session::SessionTable& table;
    };
    PushDevices(const Parts& parts, std::uint32_t index) : parts_(parts), index_(index) {}

    // The device of the session takes pushes from now on; without a token it no longer does. The request is answered.
    void set(const session::ServerSession& session, const session::PendingRequest& pending,
             const wire::im::PushDevice& device);
    // The application has this device of a user take no more; empty: all of them. `done` is called once, with
    // unknown_target if nobody of this name has ever been here.
    void remove(const std::string& user, const std::string& device, std::function<void(errc code)> done);
    // No device of the user takes any more. Does nothing on a worker that is not the user's home.
    void forget(const std::string& user);

    session::TimePoint next_deadline() const noexcept { return again_at_; }
    void on_time();

private:
    void write(const session::PendingRequest& pending, store::PushChange change);
    void answer(const session::PendingRequest& pending, errc code);
    void forget_again(const std::string& user);

    const Parts parts_;
    const std::uint32_t index_;
    std::vector<std::string> to_forget_;
    session::TimePoint again_at_ = session::kNever;
};

}  // namespace flare::server
