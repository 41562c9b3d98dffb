// The records that are a sentence, or little more.
#include "flight/causes.hpp"
#include "flight/teller.hpp"

namespace flare::flight {
namespace {

std::string whole(double number) { return std::to_string(static_cast<long long>(number)); }

}  // namespace

bool Teller::told_in_words(const Record& record) {
    const std::string event = record.event();
    const std::string code = record.text("code");
    const std::string text = record.text("text");
    const std::string protocol = shown(record.text("protocol"));
    if (event == "connect_asked") {
        connect_asked_at_ = now_;
    } else if (event == "session") {
        story.session = record.text("session");
    } else if (event == "resolved") {
        resolved_ms_[record.text("address")] = record.number("took_ms");
        say("The host name of " + record.text("address") + " was resolved after " + duration(record.number("took_ms")) +
            ".");
    } else if (event == "recovered") {
        evidence_.suspected.reset();
        evidence_.since_ms = 0;
        say("The connection recovered " + duration(record.number("still_ms")) +
                " after its last data: the session stayed on it.",
            Mood::good);
    } else if (event == "slow") {
        evidence_.slow = record;
        say(protocol + " is slow: a frame has waited for its acknowledgement for " + duration(record.number("age_ms")) +
                ".",
            Mood::bad);
    } else if (event == "closing") {
        if (record.flag("in_use")) {
            trouble();
            evidence_.closing = record;
        }
        say("The client closed the " + protocol + " connection (" + code + ")" + after_colon(text) + ".", Mood::bad);
    } else if (event == "detached") {
        trouble();
        evidence_.detached = record;
    } else if (event == "address_changed") {
        trouble();
        evidence_.address = record;
        say("This machine's address changed from " + record.text("from") + " to " + record.text("to") + ": the " +
                protocol +
                (record.flag("migrates") ? " connection migrates." : " connection cannot migrate and is replaced."),
            Mood::bad);
    } else if (event == "refused") {
        evidence_.refused = record;
        say("The server refused (" + code + ")" + after_colon(text) + ".", Mood::bad);
        blame(evidence_.cause(before_, {}, {}));
    } else if (event == "timed_out") {
        say(record.flag("no_welcome")
                ? "The connection attempt timed out: connected, but the server did not answer the Hello."
                : "The connection attempt timed out.",
            Mood::bad);
    } else if (event == "gave_up") {
        gave_up_ = true;
        say("The client gave up (" + code + ").", Mood::bad);
    } else if (event == "reconnecting") {
        say("Attempt " + whole(record.number("attempt")) + " follows in " + duration(record.number("delay_ms")) +
            (record.flag("slot") ? ", as the server asked." : "."));
    } else if (event == "throttled") {
        say("The server rejected messages (" + code + ")" +
                (record.number("times") > 1 ? ", " + whole(record.number("times")) + " times so far" : "") +
                "; retry in " + duration(record.number("retry_after_ms")) + ".",
            Mood::bad);
        blame("throttled");
    } else if (event == "switch_asked") {
        evidence_.asked = true;
        say("The application requested " + protocol + ".");
    } else if (event == "reconnect_asked") {
        evidence_.asked = true;
        stop_use();
        say("The application requested a new connection.");
    } else if (event == "disconnect_asked") {
        say("The application disconnected.");
    } else if (event == "disconnected") {
        stop_use();
        say(record.flag("drained") ? "Disconnected; everything had been acknowledged."
                                   : "Disconnected; not everything was acknowledged in time.",
            record.flag("drained") ? Mood::good : Mood::bad);
        evidence_ = {};
    } else {
        return false;
    }
    return true;
}

}  // namespace flare::flight
