#include "asking.hpp"

#include "output.hpp"

#include <optional>

namespace flare::cli {

int connect_and_ask(std::string_view command, const ClientOptions& options, const std::function<int(Client&)>& ask) {
    auto builder = builder_of(options);
    if (!builder) return report_failure(command, options, builder.error());
    builder->auto_reconnect(false).with_event_callback(options.record_fault->watch([](const Event&) {}));
    auto client = builder->build();
    if (!client) return report_failure(command, options, client.error());
    std::optional<Progress> progress(std::in_place, "connecting");
    const auto connected = client->connect();
    progress.reset();
    if (!connected) return report_failure(command, options, connected.error());
    const int code = ask(*client);
    client->disconnect();
    return code;
}

std::string room_of(const std::string& name) { return name.starts_with("room:") ? name : "room:" + name; }

void add_position(boost::json::object& object, const StoredAt& stored) {
    object["offset"] = stored.position.offset;
    object["epoch"] = std::to_string(stored.position.epoch);
    object["stored_ms"] = std::chrono::duration_cast<std::chrono::milliseconds>(stored.time.time_since_epoch()).count();
}

void add_extent(boost::json::object& object, const LogHead& head) {
    object["first"] = head.first;
    object["last"] = head.last;
    object["epoch"] = std::to_string(head.epoch);
}

}  // namespace flare::cli
