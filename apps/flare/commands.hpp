// The commands, one file each.
#pragma once

#include "command.hpp"

namespace flare::cli {

void add_api(CLI::App& app, Run& run);
void add_api_key(CLI::App& app, Run& run);
void add_bench(CLI::App& app, Run& run);
void add_certs(CLI::App& app, Run& run);
void add_chat(CLI::App& app, Run& run);
void add_completion(CLI::App& app, Run& run);
void add_doctor(CLI::App& app, Run& run);
void add_explain(CLI::App& app, Run& run);
void add_history(CLI::App& app, Run& run);
void add_hooks(CLI::App& app, Run& run);
void add_list(CLI::App& app, Run& run);
void add_listen(CLI::App& app, Run& run);
void add_man(CLI::App& app, Run& run);
void add_race(CLI::App& app, Run& run);
void add_room(CLI::App& app, Run& run);
void add_send(CLI::App& app, Run& run);
void add_server(CLI::App& app, Run& run);
void add_store(CLI::App& app, Run& run);
void add_token(CLI::App& app, Run& run);
void add_top(CLI::App& app, Run& run);
void add_train(CLI::App& app, Run& run);
void add_user(CLI::App& app, Run& run);
void add_version(CLI::App& app, Run& run);

}  // namespace flare::cli
