// Calls that wait for a change of the connection.
//
// Threads: its client's I/O thread. Each call is answered once; what an answer begins may wait here again.
// Owner:   ClientLoop.
#pragma once

#include <flare/client.hpp>

#include <functional>
#include <utility>
#include <vector>

namespace flare::client {

using ConnectDone = std::function<void(Checked<Protocol>)>;
using RefreshDone = std::function<void(Checked<>)>;

class Waiters {
public:
    void connect(ConnectDone done) { connect_.push_back(std::move(done)); }  // and reconnect()
    void switch_protocol(ConnectDone done) { switch_ = std::move(done); }
    void disconnect(std::function<void()> done) { disconnect_.push_back(std::move(done)); }
    void refresh(RefreshDone done) { refresh_ = std::move(done); }

    bool any_disconnect() const noexcept { return !disconnect_.empty(); }
    bool any_refresh() const noexcept { return refresh_ != nullptr; }

    // A switch that still waits is not_connected: the session has another connection now, or none. So is a refresh
    // when there is none.
    void answer_connect(const Checked<Protocol>& result) {
        const auto waiters = std::exchange(connect_, {});
        for (const ConnectDone& done : waiters) done(result);
        answer_switch(Failure(errc::not_connected));
        if (!result) answer_refresh(Failure(errc::not_connected));
    }
    void answer_switch(const Checked<Protocol>& result) {
        if (const ConnectDone done = std::exchange(switch_, nullptr)) done(result);
    }
    void answer_disconnect() {
        const auto waiters = std::exchange(disconnect_, {});
        for (const auto& done : waiters) done();
    }
    void answer_refresh(const Checked<>& result) {
        if (const RefreshDone done = std::exchange(refresh_, nullptr)) done(result);
    }

private:
    std::vector<ConnectDone> connect_;
    ConnectDone switch_;
    std::vector<std::function<void()>> disconnect_;
    RefreshDone refresh_;
};

}  // namespace flare::client
