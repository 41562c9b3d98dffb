// Writes the entries of a client's flight record.
//
// Protocol: docs/explain.md, "Records".
// Threads:  its client's I/O thread; text() any.
// Owner:    ClientLoop.
#pragma once

#include "client/config.hpp"
#include "client/connect/connectivity.hpp"
#include "client/loop/feed_notes.hpp"
#include "client/loop/links.hpp"
#include "client/recorder.hpp"

#include <functional>
#include <map>
#include <string>
#include <string_view>

namespace flare::client {

class FlightNotes {
public:
    // `trouble`: told once, when the file cannot be written.
    FlightNotes(const Config& config, const session::ClientSession& session, const Links& links,
                const Connectivity& connectivity, std::function<void(const Failure&)> trouble)
        : config_(config),
          session_(session),
          links_(links),
          connectivity_(connectivity),
          recorder_(config, std::move(trouble)) {}

    Recorder& recorder() noexcept { return recorder_; }
    FeedNotes& feeds() noexcept { return feeds_; }
    std::string text() const { return recorder_.text(); }

    // An event without anything to say of it.
    void note(std::string_view event) { recorder_.add(recorder_.line(event)); }
    void failure(std::string_view event, const Failure& failure, std::chrono::milliseconds retry_after = {});
    void connecting(const Plan& plan);
    void in_use(const Link& link, const InUse& in_use);
    void beside(session::CarrierKey key, Protocol protocol, session::Duration took);
    void unreachable(Protocol protocol);
    void closing(const Link& link, errc code, const std::string& text);
    void lost(const Link& link, const transport::CloseReason& reason);
    void no_connection(errc code, bool again);
    void reconnecting(std::uint32_t attempt, std::chrono::milliseconds delay, bool slot);
    void gave_up(errc code);
    void switch_asked(Protocol protocol);
    void suspicion(Link& link);
    void recovered(session::CarrierKey key);
    void slow(const Link& link, session::Duration age);
    void address_changed(const Link& link, const std::string& to, bool migrates);
    void race(const std::map<Protocol, Race::Result>& results, const Race::Verdict& verdict);
    void gap(const session::GapReport& report);
    void throttled(const SendResult& result);
    void credential(const wire::CredentialState& state);

    // Nothing moves from now on, until a batch comes on the connection in use.
    void stands_still() { still_since_ = steady_now(); }
    bool still() const noexcept { return still_since_ != session::kNever; }
    void moves_again(session::CarrierKey key);

private:
    void path(flight::Line& line, const transport::Carrier& carrier) const;

    const Config& config_;
    const session::ClientSession& session_;
    const Links& links_;
    const Connectivity& connectivity_;
    Recorder recorder_;
    FeedNotes feeds_{recorder_};
    session::TimePoint still_since_ = session::kNever;  // nothing has moved since; the next batch in use is recorded
    std::string recorded_session_;
};

}  // namespace flare::client
