// The options that every client command has: where the server is, who asks, and how the way there is kept safe.
//
// docs/cli.md, "Options of the client commands".
#pragma once

#include "command.hpp"

#include <flare/client.hpp>

#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace flare::cli {

// What an event has said of a flight record that was asked for and cannot be written any more.
class RecordFault {
public:
    // `next` with an ear for it.
    EventCallback watch(EventCallback next);
    std::optional<Failure> found() const;

private:
    mutable std::mutex mutex_;
    std::optional<Failure> failure_;
};

struct ClientOptions {
    std::vector<std::string> urls;  // as typed; addresses_of() expands flare://
    std::string user;
    std::string token;
    std::string token_file;
    std::string ca_file;
    std::string client_cert;
    std::string client_key;
    std::string server_name;
    std::string server_key;
    std::string encrypt = "off";
    std::string device;
    std::string record_folder;  // where a flight record is kept; empty: only when `record`, in the usual place
    std::string protocol = "auto";
    double timeout_seconds = 5;
    bool compress = false;
    bool record = false;
    bool json = false;
    std::shared_ptr<RecordFault> record_fault = std::make_shared<RecordFault>();

    std::chrono::milliseconds timeout() const {
        return std::chrono::milliseconds(static_cast<std::int64_t>(timeout_seconds * 1000));
    }
};

// `positional`: URLs may also be given without --url, for commands that have no other arguments.
enum class Urls : bool { named, positional };
std::shared_ptr<ClientOptions> add_client_options(CLI::App& command, Urls urls);

// The URLs that `options` mean, each of ws://, wss:// or quic://. "flare://HOST" stands for quic://HOST:4010 with
// wss://HOST:4000, or with ws://HOST:4000 on this very machine. Without any URL it is flare://127.0.0.1.
// Errors: invalid_config.
Checked<std::vector<std::string>> urls_of(const ClientOptions& options);
// The same for a client, which takes one URL of each kind.
Checked<ServerAddresses> addresses_of(const ClientOptions& options);

// The token, read again each time: a file may be renewed while a client runs. Empty: none.
// Errors: file_not_found, file_unreadable.
Checked<std::string> token_of(const ClientOptions& options);
std::string token_or_none(const ClientOptions& options);
// --user, else whom the token is for, else the name of whoever runs this, else a random one.
std::string user_of(const ClientOptions& options);

// A builder with everything that the options say.
Checked<ClientBuilder> builder_of(const ClientOptions& options);

// Prints what is wrong, and with --json the last line of the output; returns the exit code.
int report_failure(std::string_view command, const ClientOptions& options, const Failure& failure);
// The end of a command: its own exit code, unless all went well but for the flight record that it was to keep.
int conclude(std::string_view command, const ClientOptions& options, int code);

}  // namespace flare::cli
