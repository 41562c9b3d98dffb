#include "client/loop/flight_notes.hpp"

#include "base/json/writer.hpp"

#include <algorithm>
#include <utility>

namespace flare::client {
namespace {

std::string_view name_of(Race::Why why) {
    switch (why) {
        case Race::Why::first: return "first";
        case Race::Why::better: return "better";
        case Race::Why::fallback: return "fallback";
        case Race::Why::asked: return "asked";
    }
    return "unknown";
}

std::string_view name_of(Plan::Why why) {
    switch (why) {
        case Plan::Why::first: return "first";
        case Plan::Why::again: return "again";
        case Plan::Why::fallback: return "fallback";
        case Plan::Why::replace: return "replace";
        case Plan::Why::asked: return "asked";
        case Plan::Why::beside: break;  // is not recorded
    }
    return "unknown";
}

}  // namespace

void FlightNotes::connecting(const Plan& plan) {
    std::vector<std::string> parts;
    for (const Plan::Start& start : plan.starts) {
        const Url& url = config_.addresses[start.address];
        flight::Part part;
        part.add("address", address_of(url)).add("protocol", record_name(url.protocol)).ms("after_ms", start.after);
        const auto entrant = std::find_if(plan.entrants.begin(), plan.entrants.end(),
                                          [&](const racing::Entrant& each) { return each.protocol == url.protocol; });
        if (entrant != plan.entrants.end()) {
            part.add("weight", entrant->weight)
                .add("won_before", entrant->favourite)
                .add("failed_before", entrant->doubtful);
        }
        parts.push_back(part.text());
    }
    recorder_.add(recorder_.line("connecting").add("why", name_of(plan.why)).raw("plan", base::json_list(parts)));
}

void FlightNotes::in_use(const Link& link, const InUse& in_use) {
    if (session_.id()) {
        const std::string id = session_.id()->value.str();
        recorder_.session(id);
        if (std::exchange(recorded_session_, id) != id) recorder_.add(recorder_.line("session").add("session", id));
    }
    const transport::CarrierInfo& info = link.carrier->info();
    flight::Line line = recorder_.line("in_use");
    line.add("carrier", link.key).add("protocol", record_name(info.protocol));
    if (in_use.before) line.add("from", record_name(*in_use.before));
    line.add("why", name_of(in_use.why))
        .add("again", in_use.news == InUse::News::again)
        .add("resumed", in_use.resumed)
        .add("local", info.local_address)
        .add("peer", info.peer_address)
        .add("encrypted", info.encrypted)
        .add("sealed", link.carrier->sealed())
        .add("waiting", session_.queue_length());
    if (in_use.why != Race::Why::better) line.ms("took_ms", in_use.took);
    for (const auto& [key, other] : links_.all()) {
        const auto then = std::exchange(other->rtt_when_suspected, std::chrono::nanoseconds(0));
        if (then.count() == 0 || key == link.key) continue;
        const transport::PathFigures path = other->carrier->path();
        line.add("packets_came", path.smoothed_rtt != then)
            .ms("path_rtt_ms", path.smoothed_rtt)
            .ms("min_rtt_ms", path.min_rtt);
    }
    recorder_.add(line);
}

void FlightNotes::path(flight::Line& line, const transport::Carrier& carrier) const {
    const transport::PathFigures figures = carrier.path();
    if (const auto round_trip = session_.round_trip()) line.ms("round_trip_ms", *round_trip);
    if (figures.smoothed_rtt.count() != 0) line.ms("path_rtt_ms", figures.smoothed_rtt);
    if (figures.latest_rtt.count() != 0) line.ms("latest_rtt_ms", figures.latest_rtt).ms("min_rtt_ms", figures.min_rtt);
    if (figures.largest_packet != 0)
        line.add("largest_packet", figures.largest_packet).add("bytes_in_flight", figures.bytes_in_flight);
    if (figures.retransmits != 0) line.add("retransmits", figures.retransmits);
}

void FlightNotes::suspicion(Link& link) {
    const session::ClientSession::Suspicion& suspicion = session_.suspicion();
    still_since_ = suspicion.silent ? suspicion.heard_at : suspicion.unacked_since;
    flight::Line line = recorder_.line("suspected");
    line.add("carrier", link.key)
        .add("protocol", record_name(link.carrier->info().protocol))
        .add("silent", suspicion.silent)
        .ms("silent_ms", steady_now() - suspicion.heard_at)
        .ms("limit_ms", suspicion.limit);
    if (suspicion.unacked_since != session::kNever) line.ms("unacked_ms", steady_now() - suspicion.unacked_since);
    path(line, *link.carrier);
    recorder_.add(line);
    link.rtt_when_suspected = link.carrier->path().smoothed_rtt;
}

void FlightNotes::lost(const Link& link, const transport::CloseReason& reason) {
    const session::TimePoint heard = session_.heard_at(link.key);
    const bool in_use = link.key == session_.active();
    if (in_use && still_since_ == session::kNever)
        still_since_ = reason.ending == transport::Ending::silent ? heard : steady_now();
    flight::Line line = recorder_.line("lost");
    line.add("carrier", link.key)
        .add("protocol", record_name(link.carrier->info().protocol))
        .add("in_use", in_use)
        .add("beside", connectivity_.carriers().at(link.key).standby)
        .add("by_us", link.close_due.has_value())
        .add("ending", name(reason.ending))
        .add("code", name(reason.code))
        .add("text", reason.text);
    if (heard != session::kNever) line.ms("silent_ms", steady_now() - heard);
    recorder_.add(line);
}

void FlightNotes::failure(std::string_view event, const Failure& failure, std::chrono::milliseconds retry_after) {
    flight::Line line = recorder_.line(event);
    line.add("code", name(failure.code)).add("text", failure.text);
    if (retry_after.count() != 0) line.ms("retry_after_ms", retry_after);
    recorder_.add(line);
}

void FlightNotes::beside(session::CarrierKey key, Protocol protocol, session::Duration took) {
    const auto times = recorder_.worth_a_line(std::string(name(protocol)) + " beside", "attached");
    if (times == 0) return;
    recorder_.add(recorder_.line("beside")
                      .add("protocol", record_name(protocol))
                      .add("carrier", key)
                      .add("times", times)
                      .ms("took_ms", took));
}

void FlightNotes::unreachable(Protocol protocol) {
    const auto times = recorder_.worth_a_line(std::string(name(protocol)) + " beside", "unreachable");
    if (times == 0) return;
    recorder_.add(recorder_.line("unreachable").add("protocol", record_name(protocol)).add("times", times));
}

void FlightNotes::closing(const Link& link, errc code, const std::string& text) {
    const CarrierState& carrier = connectivity_.carriers().at(link.key);
    recorder_.add(recorder_.line("closing")
                      .add("carrier", link.key)
                      .add("protocol", record_name(link.protocol()))
                      .add("in_use", carrier.ready && !carrier.standby)
                      .add("code", name(code))
                      .add("text", text));
}

void FlightNotes::no_connection(errc code, bool again) {
    recorder_.add(recorder_.line("no_connection").add("code", name(code)).add("again", again));
}

void FlightNotes::reconnecting(std::uint32_t attempt, std::chrono::milliseconds delay, bool slot) {
    recorder_.add(recorder_.line("reconnecting").add("attempt", attempt).ms("delay_ms", delay).add("slot", slot));
}

void FlightNotes::gave_up(errc code) {
    recorder_.add(recorder_.line("gave_up").add("code", name(code)));
    recorder_.no_session();
}

void FlightNotes::switch_asked(Protocol protocol) {
    recorder_.add(recorder_.line("switch_asked").add("protocol", record_name(protocol)));
}

void FlightNotes::recovered(session::CarrierKey key) {
    const session::TimePoint since = std::exchange(still_since_, session::kNever);
    recorder_.add(recorder_.line("recovered")
                      .add("carrier", key)
                      .ms("still_ms", since == session::kNever ? session::Duration::zero() : steady_now() - since));
}

void FlightNotes::slow(const Link& link, session::Duration age) {
    flight::Line line = recorder_.line("slow");
    line.add("protocol", record_name(link.protocol())).ms("age_ms", age);
    path(line, *link.carrier);
    recorder_.add(line);
}

void FlightNotes::address_changed(const Link& link, const std::string& to, bool migrates) {
    const transport::CarrierInfo& info = link.carrier->info();
    recorder_.add(recorder_.line("address_changed")
                      .add("protocol", record_name(info.protocol))
                      .add("from", info.local_address)
                      .add("to", to)
                      .add("migrates", migrates));
    still_since_ = session_.queue_length() != 0 ? session_.heard_at(link.key) : steady_now();
}

void FlightNotes::throttled(const SendResult& result) {
    if (result.error != errc::rate_limited && result.error != errc::busy && result.error != errc::recipient_busy)
        return;
    const std::string code(name(result.error));
    const auto times = recorder_.worth_a_line("throttled", code);
    if (times == 0) return;
    recorder_.add(
        recorder_.line("throttled").add("code", code).add("times", times).ms("retry_after_ms", result.retry_after));
}

void FlightNotes::credential(const wire::CredentialState& state) {
    recorder_.add(recorder_.line("credential")
                      .add("what", !state.answer            ? "expires"
                                   : state.code == errc::ok ? "renewed"
                                                            : "refused")
                      .add("code", name(state.code))
                      .ms("expires_in_ms", std::chrono::milliseconds(state.expires_in_ms)));
}

void FlightNotes::gap(const session::GapReport& report) {
    std::uint64_t missing = 0;
    bool exact = true;
    for (const auto& lane : report.lanes) {
        exact = exact && lane.exact;
        if (lane.exact && lane.server_sent > lane.received) missing += lane.server_sent - lane.received;
    }
    recorder_.add(recorder_.line("gap")
                      .add("code", name(report.reason))
                      .add("text", report.text)
                      .add("missing", missing)
                      .add("exact", exact)
                      .add("sent_again", report.resent.size()));
}

void FlightNotes::race(const std::map<Protocol, Race::Result>& results, const Race::Verdict& verdict) {
    const std::string_view decision = verdict.moves ? "moves" : verdict.too_early ? "too_early" : "not_better";
    const auto times = recorder_.worth_a_line(
        "race", std::string(name(verdict.in_use)).append(" ").append(decision).append(verdict.slow.count() ? "!" : ""));
    if (times == 0) return;
    std::vector<std::string> parts;
    for (const auto& [protocol, result] : results) {
        const racing::Measurement& measured = result.measured;
        flight::Part part;
        part.add("protocol", record_name(protocol))
            .add("score", result.score)
            .add("weight", result.weight)
            .ms("median_ms", measured.median)
            .ms("jitter_ms", measured.jitter)
            .ms("connection_ms", measured.connection_latency)
            .add("sent", measured.sent)
            .add("answered", measured.answered);
        if (measured.bytes_per_second) part.add("bytes_per_second", *measured.bytes_per_second);
        for (const auto& [key, link] : links_.all()) {
            if (!connectivity_.carriers().at(key).ready || link->close_due ||
                link->carrier->info().protocol != protocol)
                continue;
            const std::size_t largest = link->carrier->path().largest_packet;
            if (largest != 0) part.add("largest_packet", largest);
            break;
        }
        parts.push_back(part.text());
    }
    flight::Line line = recorder_.line("race");
    line.add("in_use", record_name(verdict.in_use))
        .add("challenger", record_name(verdict.challenger))
        .add("decision", decision)
        .add("times", times);
    if (verdict.slow.count() != 0) line.ms("slow_ms", verdict.slow);
    recorder_.add(line.raw("results", base::json_list(parts)));
}

// The first batch on the connection in use after nothing moved for a while.
void FlightNotes::moves_again(session::CarrierKey key) {
    if (key != session_.active() || still_since_ == session::kNever) return;
    recorder_.add(recorder_.line("flows")
                      .add("carrier", key)
                      .ms("still_ms", steady_now() - std::exchange(still_since_, session::kNever)));
}

}  // namespace flare::client
