#include "client/loop/telling.hpp"

#include <utility>

namespace flare::client {

void Telling::on_status(ClientStatus status) {
    figures_.publish();
    if (status == ClientStatus::disconnected || status == ClientStatus::failed)
        waiters_.answer_refresh(Failure(errc::not_connected));
}

void Telling::on_attached(session::CarrierKey key, Protocol protocol, session::Duration took, bool beside) {
    ++figures_.of(protocol).connects;
    figures_.of(protocol).connection_latency = took;
    if (beside) notes_.beside(key, protocol, took);
}

void Telling::on_in_use(const InUse& in_use) {
    const Link* const link = links_.find(in_use.key);
    if (link == nullptr) return;
    notes_.in_use(*link, in_use);
    figures_.heard();
    switch (in_use.news) {
        case InUse::News::first:
            figures_.stats().connection_time = in_use.took;
            figures_.emit(event::Connected{in_use.protocol});
            if (!std::exchange(told_unavailable_, true)) tell_unavailable();
            break;
        case InUse::News::again:
            ++figures_.stats().reconnect_count;
            figures_.emit(event::Reconnected{in_use.protocol, in_use.resumed});
            break;
        case InUse::News::moved:
            if (in_use.before && *in_use.before != in_use.protocol)
                figures_.emit(event::ProtocolSwitched{*in_use.before, in_use.protocol});
    }
    tell_unsealed(link->unsealed_because);
}

// Once for each time that the session comes to be unsealed.
void Telling::tell_unsealed(const std::string& because) {
    if (!because.empty() && !told_unsealed_) figures_.emit(event::CapabilityUnavailable{"encryption", because});
    told_unsealed_ = !because.empty();
}

void Telling::tell_unavailable() {
    for (const auto& each : config_.unavailable) figures_.emit(each);
    if (!config_.session.compression) return;
    const wire::Encodings agreed = session_.encodings();
    if (agreed == 0) {
        figures_.emit(event::CapabilityUnavailable{"compression",
                                                   "the server does not offer it: messages are sent uncompressed"});
    } else if (!config_.session.compression->dictionary_id().empty() &&
               !wire::has(agreed, wire::Encoding::zstd_dictionary)) {
        figures_.emit(event::CapabilityUnavailable{
            "compression_dictionary", "the server does not have this dictionary: messages are compressed without one"});
    }
}

void Telling::on_lost(Loss loss, const Failure& reason, bool again) {
    if (loss == Loss::broken) {
        ++figures_.stats().error_count;
        notes_.no_connection(reason.code, again);
    }
    figures_.emit(event::Disconnected{reason});
}

void Telling::on_reconnecting(std::uint32_t attempt, std::chrono::milliseconds delay, bool slot) {
    if (delay.count() > 0) notes_.reconnecting(attempt, delay, slot);  // else reconnect() was called, which has a line
    figures_.emit(event::Reconnecting{attempt, delay});
}

void Telling::on_gave_up(const Failure& failure, bool was_reconnecting) {
    notes_.gave_up(failure.code);
    ++figures_.stats().error_count;
    if (was_reconnecting) {
        figures_.emit(event::ReconnectFailed{
            Failure(errc::reconnect_failed, std::string(explain(errc::reconnect_failed)) + ": " + failure.text)});
    } else {
        figures_.emit(event::Error{failure});
    }
}

void Telling::on_timed_out(bool no_welcome) {
    Recorder& recorder = notes_.recorder();
    recorder.add(recorder.line("timed_out").add("no_welcome", no_welcome));
}

void Telling::on_suspected(session::CarrierKey key) {
    if (Link* const link = links_.find(key)) notes_.suspicion(*link);
}

}  // namespace flare::client
