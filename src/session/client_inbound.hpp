// What the lanes of a client's session deliver: each message is passed on once, whatever session it comes in; receipts
// and acknowledgements go to what was sent.
//
// Protocol: docs/protocol.md, "Message ids", "Receipts".
// Threads:  as ClientSession.
// Owner:    ClientSession.
#pragma once

#include "session/client_goodbye.hpp"
#include "session/client_requests.hpp"
#include "session/client_session_listener.hpp"
#include "session/dedupe.hpp"
#include "session/outgoing.hpp"

namespace flare::session {

class ClientInbound final : public LaneSetListener {
public:
    ClientInbound(const ClientSettings& settings, const ClientAgreement& agreed, const ClientGoodbye& goodbye,
                  Outgoing& outgoing, ClientRequests& requests, ClientSessionListener& listener)
        : agreed_(agreed),
          goodbye_(goodbye),
          outgoing_(outgoing),
          requests_(requests),
          listener_(listener),
          seen_(settings.dedupe_ids, settings.dedupe_window) {}

    // Before the lanes are called: when it is.
    void at(TimePoint now) noexcept { now_ = now; }

    void on_data(LaneIndex lane, const wire::DataView& data, const Bytes& whole, std::uint64_t cost) override;
    void on_refused(LaneIndex, wire::FrameKind kind, const Uuid& id, errc code) override {
        // Only servers answer with receipts; what this process had no memory for is gone for it. The reassembly
        // budget of a client is at least one message of the agreed size, so this is the application's own limit.
        if (kind == wire::FrameKind::response) requests_.on_refused(id, code, now_);
    }
    void on_response(LaneIndex lane, const wire::ResponseView& response, const Bytes& whole,
                     std::uint64_t cost) override {
        requests_.on_response(lane, response, whole, cost, now_);
    }
    void on_feed(LaneIndex lane, std::uint32_t feed_id, const wire::im::Feed& feed, const Bytes& whole,
                 std::uint64_t cost) override {
        listener_.on_feed(lane, feed_id, feed, whole, cost);
    }
    void on_feed_refused(LaneIndex lane, std::uint32_t feed_id, errc code) override {
        listener_.on_feed_refused(lane, feed_id, code);
    }
    void on_receipt(LaneIndex, const wire::ReceiptView& receipt) override {
        outgoing_.on_receipt(receipt, now_, !goodbye_.disconnecting());
        requests_.go_on(now_);
    }
    void on_numbered_first(std::uint64_t token) override {
        if (ClientRequests::owns(token)) return requests_.on_numbered_first(token, now_);
        outgoing_.on_numbered_first(token, now_);
    }
    void on_acked(std::uint64_t token, std::uint32_t) override {
        if (ClientRequests::owns(token)) return requests_.on_acked(token);
        outgoing_.on_acked(token);
    }

    // A message of this sender with this id has been passed on, as far as is remembered.
    bool has_seen(std::string_view from, const Uuid& id) const;

    void check_invariants() const { seen_.check_invariants(); }

private:
    const ClientAgreement& agreed_;
    const ClientGoodbye& goodbye_;
    Outgoing& outgoing_;
    ClientRequests& requests_;
    ClientSessionListener& listener_;
    DedupeRing seen_;  // ids of received messages, across sessions
    TimePoint now_{};
};

}  // namespace flare::session
