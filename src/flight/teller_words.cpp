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
        say("The name of " + record.text("address") + " was resolved after " + duration(record.number("took_ms")) +
            ".");
    } else if (event == "recovered") {
        evidence_.suspected.reset();
        evidence_.since_ms = 0;
        say("It answered after all, " + duration(record.number("still_ms")) +
                " after the last time: the session stayed.",
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
                (record.flag("migrates") ? " connection moves along."
                                         : " connection cannot move along, another one takes its place."),
            Mood::bad);
    } else if (event == "refused") {
        evidence_.refused = record;
        say("The server refused (" + code + ")" + after_colon(text) + ".", Mood::bad);
        blame(evidence_.cause(before_, {}, {}));
    } else if (event == "timed_out") {
        say(record.flag("no_welcome")
                ? "The time for a connect was over: a connection stood, and the server did not answer the hello."
                : "The time for a connect was over.",
            Mood::bad);
    } else if (event == "gave_up") {
        gave_up_ = true;
        say("The client gave up (" + code + ").", Mood::bad);
    } else if (event == "reconnecting") {
        say("Attempt " + whole(record.number("attempt")) + " follows in " + duration(record.number("delay_ms")) +
            (record.flag("slot") ? ", as the server asked." : "."));
    } else if (event == "throttled") {
        say("The server took no message (" + code + ")" +
                (record.number("times") > 1 ? ", " + whole(record.number("times")) + " times by now" : "") +
                "; it may be sent again in " + duration(record.number("retry_after_ms")) + ".",
            Mood::bad);
        blame("throttled");
    } else if (event == "switch_asked") {
        evidence_.asked = true;
        say("The application asked for " + protocol + ".");
    } else if (event == "reconnect_asked") {
        evidence_.asked = true;
        stop_use();
        say("The application asked for another connection.");
    } else if (event == "disconnect_asked") {
        say("The application asked to disconnect.");
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
