// Hooks as they are configured, checked and ready for use.
//
// Protocol: docs/hooks.md.
// Threads:  values.
#pragma once

#include "server/hooks/event_names.hpp"
#include "transport/http/client.hpp"

#include <flare/failure.hpp>
#include <flare/server_hooks.hpp>

#include <memory>
#include <string>
#include <vector>

namespace flare::server::hooks {

struct Settings {
    std::string name;
    std::string url;
    EventSet events;
    std::vector<std::string> keys;
    bool asked = false;
    bool accepts_on_failure = false;  // of one that is asked
    std::shared_ptr<transport::http::Client> client;
};
using SettingsPtr = std::shared_ptr<const Settings>;

// What is wrong with it, without looking at files: invalid_config.
Checked<> check(const std::vector<ServerHook>& hooks);
// Errors: invalid_config, those of the files.
Checked<std::vector<SettingsPtr>> load(const std::vector<ServerHook>& hooks);

}  // namespace flare::server::hooks
