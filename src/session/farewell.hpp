// How a session ends: who has said goodbye, with which final numbers, and how long the other side has.
//
// Protocol: docs/protocol.md, "Goodbye".
// Threads:  its worker only.
// Owner:    ServerSession.
#pragma once

#include "base/assert.hpp"
#include "session/pending_work.hpp"

#include <algorithm>
#include <memory>
#include <string>
#include <string_view>

namespace flare::session {

class Farewell {
public:
    // We end it.
    void begin(errc code, std::string_view text, std::uint32_t retry_after_ms, TimePoint until) {
        begun_ = true;
        code_ = code;
        text_ = std::string(text);
        retry_after_ms_ = retry_after_ms;
        deadline_ = std::min(deadline_, until);
    }
    bool begun() const noexcept { return begun_; }
    // The Goodbye is written, with final numbers. On another carrier it is to be said again.
    bool said() const noexcept { return said_; }
    void say() noexcept {
        FLARE_INVARIANT(begun_, "a goodbye is said that nobody wanted");
        said_ = final_ = true;
    }
    void say_again() noexcept { said_ = false; }
    // The last number is given, or will be to what has been queued: what is answered from here on is dropped.
    bool is_final() const noexcept { return final_; }
    void make_final() noexcept { final_ = true; }

    // The peer has said goodbye, with these numbers.
    void heard(const wire::LaneStates& final, TimePoint until) {
        peer_final_ = std::make_unique<const wire::LaneStates>(final);
        deadline_ = std::min(deadline_, until);
    }
    const wire::LaneStates* peer_final() const noexcept { return peer_final_.get(); }
    // It is ours, and everything is acknowledged.
    bool is_acknowledged(const LaneSet& lanes) const noexcept { return said_ && lanes.drained(); }
    // It is the peer's: all that it has sent is here, and answered, and the answers are acknowledged.
    bool is_answered(const LaneSet& lanes, const PendingWork& work) const noexcept {
        return peer_final_ && lanes.received_all(*peer_final_) && work.messages() == 0 && lanes.drained();
    }
    // The Goodbye can be written: what was handed to a handler before the end is answered yet; whoever is thrown out
    // gets no answer.
    bool is_due(const LaneSet& lanes, const PendingWork& work) const noexcept {
        return begun_ && !said_ && (work.messages() == 0 || final_) && lanes.totals().queued_frames == 0;
    }
    // Either side has.
    bool is_coming() const noexcept { return begun_ || peer_final_ != nullptr; }
    TimePoint deadline() const noexcept { return deadline_; }

    // The session is over.
    void complete(errc code, const std::string& text) {
        ended_ = true;
        code_ = code;
        text_ = text;
    }
    bool ended() const noexcept { return ended_; }
    errc code() const noexcept { return code_; }
    const std::string& text() const noexcept { return text_; }
    std::uint32_t retry_after_ms() const noexcept { return retry_after_ms_; }

private:
    std::unique_ptr<const wire::LaneStates> peer_final_;
    TimePoint deadline_ = kNever;
    std::string text_;
    std::uint32_t retry_after_ms_ = 0;
    errc code_ = errc::ok;
    bool begun_ = false;
    bool said_ = false;
    bool final_ = false;
    bool ended_ = false;
};

}  // namespace flare::session
