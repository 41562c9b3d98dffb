// A server's records. It sees connections come and go, and how they ended; why a client moved only the client knows.
#include "flight/causes.hpp"
#include "flight/teller.hpp"

#include <algorithm>

namespace flare::flight {

bool Teller::server(const Record& record) {
    const std::string event = record.event();
    if (!event.starts_with("server_")) return false;
    const std::string what = event.substr(7);
    const std::string protocol = record.text("protocol");
    const std::string code = record.text("code");
    const auto carrier = static_cast<long long>(record.number("carrier"));
    const std::string connection = shown(protocol) + " connection " + std::to_string(carrier);
    const std::string peer =
        record.text("peer") + " port " + std::to_string(static_cast<long long>(record.number("port")));
    const bool of_one_in_use = carrier != 0 && carrier == server_carrier_;
    if (what == "made") {
        say("The session was created.", Mood::good);
    } else if (what == "attached") {
        say("The " + connection + " came, from " + peer + ".");
    } else if (what == "resumed") {
        say("It resumed the session: nothing is missing.", Mood::good);
    } else if (what == "activated") {
        const std::string from = protocol_.empty() ? before_ : protocol_;
        stop_use();
        protocol_ = protocol;
        in_use_since_ = now_;
        server_carrier_ = carrier;
        if (was_in_use_) {
            const std::string cause = evidence_.cause(from, protocol, "fallback");
            blame(cause);
            story.moves.push_back({now_, shown(from), shown(protocol), cause, 0});
        }
        was_in_use_ = true;
        evidence_ = {};
        say("The client now sends on the " + connection + ".");
    } else if (what == "closing") {
        if (of_one_in_use && code == "heartbeat_timeout") evidence_.detached = record;
        say("The server closed the " + connection + " (" + code + ").", Mood::bad);
    } else if (what == "closed") {
        if (of_one_in_use) {
            if (record.text("ending") != "said") evidence_.lost = record;
            stop_use();
        }
        say("The " + connection + " ended (" + record.text("ending") + ", " + code + ").",
            of_one_in_use ? Mood::bad : Mood::plain);
    } else if (what == "refused") {
        say("The server refused to resume the session (" + code + ").", Mood::bad);
    } else if (what == "message_refused") {
        say("Messages were refused (" + code + "), " +
                std::to_string(static_cast<long long>(std::max(1.0, record.number("times")))) + " of them.",
            Mood::bad);
        blame("throttled");
    } else if (what == "ended") {
        evidence_.ended = record;
        stop_use();
        say("The session ended (" + code + ").", code == "ok" ? Mood::good : Mood::bad);
        if (code != "ok") blame(evidence_.cause(before_, {}, {}));
        evidence_ = {};
    } else {
        return false;
    }
    return true;
}

}  // namespace flare::flight
