#include "flight/teller.hpp"

#include "flight/causes.hpp"
#include "flight/line.hpp"

#include <boost/json/array.hpp>
#include <boost/json/value.hpp>

#include <algorithm>
#include <cstdio>
#include <utility>
#include <vector>

namespace flare::flight {
namespace {

constexpr int kTurnsThatFlap = 3;
constexpr double kSilenceWorthTellingMs = 100;  // less is a round trip
constexpr int kFailuresThatFlap = 3;
// From here on it is no time of a system clock, whose nanoseconds are a 64-bit number: the year 2255.
constexpr double kEndOfClockMs = 9e12;

std::vector<Record> objects(const Record& record, std::string_view key) {
    std::vector<Record> found;
    const auto* list = record.object().if_contains(key);
    if (list == nullptr || !list->is_array()) return found;
    for (const auto& each : list->get_array()) {
        if (each.is_object()) found.emplace_back(each.get_object());
    }
    return found;
}

std::string decimal(double number) {
    char text[48];
    std::snprintf(text, sizeof text, "%.2f", number);
    return text;
}

}  // namespace

void Teller::say(std::string text, Mood mood) { story.sentences.push_back({now_, mood, std::move(text)}); }

// Of causes of one gravity the last counts.
void Teller::blame(const std::string& cause) {
    if (gravity(cause) >= gravity(story.cause)) story.cause = cause;
}

void Teller::trouble(double silent_ms) {
    if (evidence_.since_ms != 0) return;
    evidence_.since_ms = now_;
    evidence_.silent_before_ms = silent_ms;
}

void Teller::stop_use() {
    if (protocol_.empty()) return;
    story.used_ms[shown(protocol_)] += now_ - in_use_since_;
    before_ = std::exchange(protocol_, std::string());
}

void Teller::take(const Record& record) {
    const std::string event = record.event();
    if (event.starts_with("server_") && !story.of_server) {
        story.of_server = true;
        base_ms_ = record.at_ms();
        if (base_ms_ > 0 && base_ms_ < kEndOfClockMs)
            story.began = utc(
                std::chrono::system_clock::time_point(std::chrono::milliseconds(static_cast<std::int64_t>(base_ms_))));
    }
    now_ = record.at_ms() - base_ms_;
    if (first_ms_ < 0) first_ms_ = now_;
    using Take = void (Teller::*)(const Record&);
    static const std::map<std::string_view, Take> kTakes{
        {"client", &Teller::client},
        {"connecting", &Teller::connecting},
        {"connected", &Teller::connected},
        {"failed", &Teller::failed},
        {"unanswered", &Teller::unanswered},
        {"in_use", &Teller::in_use},
        {"suspected", &Teller::suspected},
        {"lost", &Teller::lost},
        {"beside", &Teller::beside},
        {"unreachable", &Teller::unreachable},
        {"race", &Teller::race},
        {"flows", &Teller::flows},
        {"no_connection", &Teller::no_connection},
        {"ended", &Teller::ended},
        {"gap", &Teller::gap},
        {"credential", &Teller::credential},
    };
    if (const auto found = kTakes.find(event); found != kTakes.end()) {
        (this->*found->second)(record);
    } else if (!conversations_.take(record, now_) && !told_in_words(record) && !server(record)) {
        if (story.problems.size() < 20) story.problems.push_back("unknown event (from a newer version?): " + event);
    }
    story.lasted_ms = std::max(story.lasted_ms, now_);
}

// ---- connecting ----

void Teller::client(const Record& record) {
    story.user = record.text("user");
    story.began = record.text("began");
}

void Teller::connecting(const Record& record) {
    connecting_at_ = now_;
    const std::string why = record.text("why");
    std::string text = why == "fallback"  ? "Trying every protocol for a new connection: "
                       : why == "replace" ? "Opening a replacement connection: "
                       : why == "asked"   ? "Opening the requested connection: "
                       : why == "again"   ? "Connecting again: "
                                          : "Connecting: ";
    bool first = true;
    for (const Record& each : objects(record, "plan")) {
        const double after = each.number("after_ms");
        text += (first ? "" : ", ") + each.text("address");
        if (after > 0) text += " " + duration(after) + " later";
        if (each.flag("failed_before")) {
            text += " (it failed recently on this network)";
        } else if (each.flag("won_before")) {
            text += " (it won last time on this network)";
        }
        first = false;
    }
    say(text + ".");
}

void Teller::connected(const Record& record) {
    const std::string protocol = record.text("protocol");
    connected_ = record;
    paths_[protocol].answered_ever = true;
    std::string parts;
    const auto part = [&](const char* name, std::string_view key) {
        if (record.number(key) > 0)
            parts += (parts.empty() ? "" : ", ") + std::string(name) + " " + duration(record.number(key));
    };
    part("TCP", "connect_ms");
    part(protocol == "quic" ? "handshake" : "TLS", "secure_ms");
    part("upgrade", "upgrade_ms");
    say(shown(protocol) + " connected after " + duration(record.number("took_ms")) +
        (parts.empty() ? "" : " (" + parts + ")") + ".");
}

void Teller::failed(const Record& record) {
    const std::string protocol = record.text("protocol");
    if (record.text("code") == "connection_refused") evidence_.turned_away.insert(protocol);
    if (record.text("code") == "connect_timeout") evidence_.unanswered.insert(protocol);
    if (record.text("code") == "certificate_rejected" || record.text("code") == "tls_failed")
        evidence_.refused = record;
    say(record.text("address") + " failed after " + duration(record.number("took_ms")) +
            after_colon(record.text("text")) + ".",
        Mood::bad);
}

void Teller::unanswered(const Record& record) {
    const std::string protocol = record.text("protocol");
    evidence_.unanswered.insert(protocol);
    if (!was_in_use_) paths_[protocol].unanswered_at_connect = true;
    say(shown(protocol) + " had not answered for " + duration(record.number("tried_ms")) +
        " and was no longer needed.");
}

// ---- a connection carries the session ----

void Teller::in_use(const Record& record) {
    const std::string from = protocol_.empty() ? before_ : protocol_;
    stop_use();
    protocol_ = record.text("protocol");
    in_use_since_ = now_;
    paths_[protocol_].answered_ever = true;
    was_in_use_ ? moved(record, from) : first_use(record);
    was_in_use_ = true;
    evidence_ = {};
}

void Teller::first_use(const Record& record) {
    const double took = record.number("took_ms");
    say("The session began on " + shown(protocol_) + ", " + duration(took) + " after the connect" +
            (record.flag("encrypted") ? "" : ", without TLS") + (record.flag("sealed") ? ", sealed" : "") + ".",
        Mood::good);
    if (evidence_.turned_away.contains("quic") && protocol_ == "websocket") blame("udp_rejected");
    if (connected_.text("protocol") != protocol_) return;
    const auto part = [&](const char* name, double ms) {
        if (ms > 0.05) story.connect.push_back({name, ms});
    };
    const double resolved = resolved_ms_[connected_.text("address")];
    const double stood = connected_.at_ms();
    part("name resolution", resolved);
    const double waited = stood - connected_.number("took_ms") - connecting_at_ - resolved;
    if (waited >= 1) part("head start of others", waited);
    part("TCP", connected_.number("connect_ms"));
    part(protocol_ == "quic" ? "QUIC handshake" : "TLS", connected_.number("secure_ms"));
    part("WebSocket upgrade", connected_.number("upgrade_ms"));
    if (record.flag("sealed")) {
        part("sealing", connected_.number("took_ms") - connected_.number("connect_ms") -
                            connected_.number("secure_ms") - connected_.number("upgrade_ms"));
    }
    part("hello and welcome", now_ - stood);
}

void Teller::moved(const Record& record, const std::string& from) {
    evidence_.packets_came = record.flag("packets_came");
    const std::string why = record.text("why");
    const std::string cause = evidence_.cause(from, protocol_, record.flag("again") && why == "first" ? "again" : why);
    const bool resumed = record.flag("resumed");
    if (why == "fallback" && from != protocol_) {
        Path& path = paths_[from];
        path.last_attached = false;
        path.turns = 0;
        if (++path.failed_in_use >= kFailuresThatFlap) blame("flapping");
    }
    blame(cause);
    if (cause == "udp_silent" && evidence_.suspected)
        doubt_ = Doubt{story.moves.size(), evidence_.suspected->number("largest_packet")};
    story.moves.push_back(
        {now_, evidence_.no_connection || evidence_.ended ? std::string() : shown(from), shown(protocol_), cause, 0});
    std::string text = from == protocol_ ? "Continued over another " + shown(protocol_) + " connection"
                                         : "Moved to " + shown(protocol_);
    if (evidence_.since_ms > 0) {
        const double since_sign = now_ - evidence_.since_ms;
        text += " " + duration(since_sign) + " after the first sign";
        if (evidence_.silent_before_ms >= kSilenceWorthTellingMs)
            text += ", " + duration(since_sign + evidence_.silent_before_ms) + " after the last data arrived";
    }
    // Only a session that went on lost nothing: whoever has heard of a gap is told no such thing.
    text += evidence_.gap               ? ", with a new session."
            : resumed || why != "first" ? "; nothing was lost."
                                        : ", with a new session: the previous one had ended.";
    say(text, Mood::good);
    if (cause != "none") say("Why: " + std::string(explain_cause(cause)) + " [" + cause + "]");
}

void Teller::flows(const Record& record) {
    const double still = record.number("still_ms");
    if (still > story.still_ms) {
        story.still_ms = still;
        story.still_at_ms = now_;
    }
    if (evidence_.address) {  // the connection moved with the address
        blame("address_changed");
        story.moves.push_back({now_, shown(protocol_), shown(protocol_), "address_changed", still});
        say("The " + shown(protocol_) + " connection migrated to the new address: no data for " + duration(still) +
                ", nothing was lost.",
            Mood::good);
        evidence_ = {};
        return;
    }
    if (!story.moves.empty() && story.moves.back().still_ms == 0) story.moves.back().still_ms = still;
    say("Data flowed again after " + duration(still) + ".", Mood::good);
}

// ---- trouble ----

void Teller::suspected(const Record& record) {
    trouble(record.number("silent_ms"));
    evidence_.suspected = record;
    const std::string protocol = shown(record.text("protocol"));
    const std::string usual = record.has("round_trip_ms")
                                  ? "; a round trip takes " + duration(record.number("round_trip_ms"))
                                  : std::string();
    if (record.flag("silent")) {
        say(protocol + " fell silent: no data for " + duration(record.number("silent_ms")) + usual + ".", Mood::bad);
    } else {
        say(protocol + " acknowledged nothing for " + duration(record.number("unacked_ms")) +
                ", though the last data arrived " + duration(record.number("silent_ms")) + " ago" + usual + ".",
            Mood::bad);
    }
}

void Teller::lost(const Record& record) {
    const std::string protocol = record.text("protocol");
    if (!record.flag("in_use")) {
        if (record.flag("by_us")) return;
        if (record.flag("beside"))
            say("The " + shown(protocol) + " standby connection ended" + after_colon(record.text("text")) + ".");
        return;
    }
    if (record.flag("by_us")) return;
    const double silent = record.number("silent_ms");
    trouble(silent);
    evidence_.lost = record;
    const std::string ending = record.text("ending");
    say("The " + shown(protocol) + " connection " +
            (ending == "reset"             ? "was reset"
             : ending == "finished"        ? "was closed without a goodbye"
             : ending == "said"            ? "was closed by the peer (" + record.text("code") + ")"
             : ending == "stateless_reset" ? "is unknown to the server's host"
             : ending == "silent"          ? "was abandoned: no more data arrived"
                                           : "broke") +
            (silent >= kSilenceWorthTellingMs ? ", " + duration(silent) + " after its last data" : "") +
            after_colon(record.text("text")) + ".",
        Mood::bad);
}

void Teller::no_connection(const Record& record) {
    evidence_.no_connection = true;
    trouble();
    stop_use();
    say("No connection remains (" + record.text("code") + ")" +
            (record.flag("again") ? "." : "; the client does not reconnect."),
        Mood::bad);
}

void Teller::ended(const Record& record) {
    trouble();
    evidence_.ended = record;
    stop_use();
    const std::string text = record.text("text");
    say("The server ended the session (" + record.text("code") + ")" + after_colon(text) +
            (record.number("retry_after_ms") > 0
                 ? "; it asked to come back in " + duration(record.number("retry_after_ms"))
                 : "") +
            ".",
        Mood::bad);
    blame(evidence_.cause(before_, {}, {}));
}

void Teller::gap(const Record& record) {
    trouble();
    evidence_.gap = record;
    std::string text = "The session could not be resumed (" + record.text("code") + ")";
    text += record.flag("exact") ? ": " + std::to_string(static_cast<long long>(record.number("missing"))) +
                                       " messages from the server are missing"
                                 : ": it is unknown what the server still had queued for this client";
    say(text + ", " + std::to_string(static_cast<long long>(record.number("sent_again"))) +
            " messages of this client are sent again.",
        Mood::bad);
    blame(evidence_.cause(before_, {}, {}));
}

void Teller::credential(const Record& record) {
    const std::string what = record.text("what");
    if (what == "renewed") return say("The server accepted a new credential.", Mood::good);
    if (what == "expires") return say("The credential expires in " + duration(record.number("expires_in_ms")) + ".");
    say("The server refused the new credential (" + record.text("code") + ").", Mood::bad);
    blame("credential");
}

// ---- the race behind the session ----

void Teller::beside(const Record& record) {
    const std::string protocol = record.text("protocol");
    Path& path = paths_[protocol];
    path.answered_ever = true;
    if (path.failed_in_use > 0 && !std::exchange(path.last_attached, true) && ++path.turns >= kTurnsThatFlap)
        blame("flapping");
    if (record.number("times") <= 1)
        say("A " + shown(protocol) + " standby connection was ready after " + duration(record.number("took_ms")) +
            ", to be measured.");
}

void Teller::unreachable(const Record& record) {
    const std::string protocol = record.text("protocol");
    Path& path = paths_[protocol];
    if (path.failed_in_use > 0 && std::exchange(path.last_attached, false) && ++path.turns >= kTurnsThatFlap)
        blame("flapping");
    // It never worked since the beginning, and the connect had not waited for it.
    if (protocol == "quic" && path.unanswered_at_connect && !path.answered_ever) blame("udp_silent");
    const double times = record.number("times");
    say(shown(protocol) + " cannot be used" +
        (times > 1 ? ", for the " + std::to_string(static_cast<long long>(times)) + "th time in a row" : "") +
        ": the client tries it again later.");
}

// On a path that only was silent for a while QUIC finds the same packet size again.
void Teller::settle_doubt(double largest_packet) {
    if (!doubt_ || largest_packet == 0) return;
    const Doubt doubt = *std::exchange(doubt_, std::nullopt);
    if (largest_packet >= doubt.largest_packet || doubt.move >= story.moves.size()) return;
    story.moves[doubt.move].cause = "large_packets_lost";
    if (story.cause == "udp_silent") story.cause = "large_packets_lost";
    say("QUIC works here with packets of at most " + std::to_string(static_cast<long long>(largest_packet)) +
            " bytes; it had sent " + std::to_string(static_cast<long long>(doubt.largest_packet)) +
            " when it fell silent: larger ones are lost on the path. [large_packets_lost]",
        Mood::bad);
}

void Teller::race(const Record& record) {
    if (record.has("slow_ms")) evidence_.slow = record;
    const std::string decision = record.text("decision");
    std::string text = "Measured";
    for (const Record& each : objects(record, "results")) {
        text += (text == "Measured" ? ": " : "; ") + shown(each.text("protocol")) + " scores " +
                decimal(each.number("score")) + " (median " + duration(each.number("median_ms")) + ", jitter " +
                duration(each.number("jitter_ms")) + ", " +
                std::to_string(static_cast<long long>(each.number("answered"))) + " of " +
                std::to_string(static_cast<long long>(each.number("sent"))) + " answered)";
    }
    const std::string challenger = shown(record.text("challenger"));
    text += decision == "moves"       ? ": " + challenger + " is better."
            : decision == "too_early" ? ": the last move was too recent for another."
                                      : ": " + challenger + " is not better by enough to move.";
    if (decision == "moves") evidence_.race = record;
    say(text);
    for (const Record& each : objects(record, "results")) {
        if (each.text("protocol") == "quic") settle_doubt(each.number("largest_packet"));
    }
}

// ---- the end ----

void Teller::end() {
    story.protocol = shown(protocol_);
    const bool broken = evidence_.lost || evidence_.suspected || evidence_.refused || evidence_.no_connection ||
                        evidence_.gap || evidence_.ended;
    if (!was_in_use_ && gave_up_) {
        blame(evidence_.refused ? evidence_.cause({}, {}, {}) : "unreachable");
    } else if (was_in_use_ && protocol_.empty() && broken) {
        blame(evidence_.cause(before_, {}, {}));
    }
    stop_use();
    if (story.cause.empty()) story.cause = "none";
}

}  // namespace flare::flight
