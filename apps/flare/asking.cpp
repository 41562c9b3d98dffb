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

}  // namespace flare::cli
