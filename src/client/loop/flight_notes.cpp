// What a client's flight record is told, where a line has more than a field or two.
//
// Protocol: docs/explain.md, "Records".
#include "client/loop/client_loop.hpp"
#include "client/loop/link.hpp"

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

void ClientLoop::record_connecting(const Plan& plan) {
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
    recorder_.add(recorder_.line("connecting").add("why", name_of(plan.why)).raw("plan", flight::list_of(parts)));
}

void ClientLoop::record_in_use(const Link& link, const InUse& in_use) {
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
    for (const auto& [key, other] : links_) {
        const auto then = std::exchange(other->rtt_when_suspected, std::chrono::nanoseconds(0));
        if (then.count() == 0 || key == link.key) continue;
        const transport::PathFigures path = other->carrier->path();
        line.add("packets_came", path.smoothed_rtt != then)
            .ms("path_rtt_ms", path.smoothed_rtt)
            .ms("min_rtt_ms", path.min_rtt);
    }
    recorder_.add(line);
}

void ClientLoop::record_path(flight::Line& line, const transport::Carrier& carrier) const {
    const transport::PathFigures path = carrier.path();
    if (const auto round_trip = session_.round_trip()) line.ms("round_trip_ms", *round_trip);
    if (path.smoothed_rtt.count() != 0) line.ms("path_rtt_ms", path.smoothed_rtt);
    if (path.latest_rtt.count() != 0) line.ms("latest_rtt_ms", path.latest_rtt).ms("min_rtt_ms", path.min_rtt);
    if (path.largest_packet != 0)
        line.add("largest_packet", path.largest_packet).add("bytes_in_flight", path.bytes_in_flight);
    if (path.retransmits != 0) line.add("retransmits", path.retransmits);
}

void ClientLoop::record_suspicion(const Link& link) {
    const session::ClientSession::Suspicion& suspicion = session_.suspicion();
    still_since_ = suspicion.silent ? suspicion.heard_at : suspicion.unacked_since;
    flight::Line line = recorder_.line("suspected");
    line.add("carrier", link.key)
        .add("protocol", record_name(link.carrier->info().protocol))
        .add("silent", suspicion.silent)
        .ms("silent_ms", now() - suspicion.heard_at)
        .ms("limit_ms", suspicion.limit);
    if (suspicion.unacked_since != session::kNever) line.ms("unacked_ms", now() - suspicion.unacked_since);
    record_path(line, *link.carrier);
    recorder_.add(line);
    if (Link* const suspect = find(link.key)) suspect->rtt_when_suspected = link.carrier->path().smoothed_rtt;
}

void ClientLoop::record_lost(const Link& link, const transport::CloseReason& reason) {
    const session::TimePoint heard = session_.heard_at(link.key);
    const bool in_use = link.key == session_.active();
    if (in_use && still_since_ == session::kNever)
        still_since_ = reason.ending == transport::Ending::silent ? heard : now();
    flight::Line line = recorder_.line("lost");
    line.add("carrier", link.key)
        .add("protocol", record_name(link.carrier->info().protocol))
        .add("in_use", in_use)
        .add("beside", connectivity_.carriers().at(link.key).standby)
        .add("by_us", link.close_due.has_value())
        .add("ending", name(reason.ending))
        .add("code", name(reason.code))
        .add("text", reason.text);
    if (heard != session::kNever) line.ms("silent_ms", now() - heard);
    recorder_.add(line);
}

void ClientLoop::record_failure(std::string_view event, errc code, std::string_view text,
                                std::uint32_t retry_after_ms) {
    flight::Line line = recorder_.line(event);
    line.add("code", name(code)).add("text", text);
    if (retry_after_ms != 0) line.ms("retry_after_ms", std::chrono::milliseconds(retry_after_ms));
    recorder_.add(line);
}

void ClientLoop::record_gap(const session::GapReport& report) {
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

void ClientLoop::record_race(const std::map<Protocol, Race::Result>& results, const Race::Verdict& verdict) {
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
        for (const auto& [key, link] : links_) {
            if (!is_ready(key) || link->close_due || link->carrier->info().protocol != protocol) continue;
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
    recorder_.add(line.raw("results", flight::list_of(parts)));
}

// The first batch on the connection in use after nothing moved for a while.
void ClientLoop::moves_again(session::CarrierKey key) {
    if (key != session_.active() || still_since_ == session::kNever) return;
    recorder_.add(recorder_.line("flows")
                      .add("carrier", key)
                      .ms("still_ms", now() - std::exchange(still_since_, session::kNever)));
}

}  // namespace flare::client
