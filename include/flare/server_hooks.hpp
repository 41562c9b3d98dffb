// What a server tells a back-end, and what it asks one before it does something: ServerBuilder::hooks().
//
// Protocol: docs/hooks.md; bodies are signed as the Standard Webhooks specification says.
// Threads:  values.
#pragma once

#include <flare/export.hpp>
#include <flare/failure.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace flare {

// A URL to which a server posts. It is told of events after they have happened, or it is asked before something is
// done: its events say which, and no hook does both.
struct ServerHook {
    static constexpr std::size_t kMost = 64;  // of one server

    // What a before-hook that does not answer means for what it was asked about.
    enum class OnFailure : std::uint8_t {
        unset,   // of a hook that is told; of one that is asked it is a mistake
        refuse,  // it is refused with `busy`: clients try again later
        accept,  // it is done
    };

    // 1 to 64 of a to z, 0 to 9, - and _. How far it has come is kept under this name.
    std::string name;
    std::string url;  // http://host[:port]/path or https://; no user, password or query
    // "message.created", "member.*": docs/hooks.md has them all. Empty: all that the log has. "message.before_create",
    // "message.before_update", "conversation.before_create", "member.before_join": it is asked.
    std::vector<std::string> events;
    // One or two, "whsec_" and the base64 of 24 to 64 bytes; with two, bodies have a signature by each.
    std::vector<std::string> secrets;
    std::string secrets_file;              // or so many lines of a file, which only its owner and group may read
    std::string ca_file;                   // CAs to trust for https; empty: the system's store
    std::chrono::milliseconds timeout{0};  // from the request to the complete response; 0: 10 s, of one asked 1 s
    OnFailure on_failure = OnFailure::unset;
};

// How a hook is doing.
struct HookStatus {
    // Whether anything is sent to it.
    enum class State : std::uint8_t {
        running,
        failing,  // the last try has failed, and another will be made
        paused,   // by an operator, or because it has failed for three days or said 410 Gone
    };
    std::string name;
    bool asked = false;  // a before-hook; what follows of places is of the others
    State state = State::running;
    std::vector<std::string> events;
    std::uint64_t place = 0;       // of the last event in the log of all conversations that it has had
    std::uint64_t newest = 0;      // of the newest one there is
    bool may_have_missed = false;  // something was removed before it has had it
    // How long the oldest that it has not had has waited.
    std::chrono::milliseconds behind{0};
    std::uint64_t delivered = 0;  // events since the server started; of one asked: answers
    std::uint64_t dropped = 0;    // of those that are not in the log: they did not wait
    std::uint64_t failures = 0;   // tries
    std::string last_error;       // of the newest try that has failed; empty: none has
    std::optional<std::chrono::system_clock::time_point> last_error_time;
    std::optional<std::chrono::system_clock::time_point> next_try;  // of one that is failing
};
FLARE_EXPORT std::string_view name(HookStatus::State state) noexcept;

namespace server::hooks {
class Hooks;
}

// Looks after the hooks of a running server: Server::hooks(). Threads: any.
class FLARE_EXPORT ServerHooks {
public:
    // How each is doing. Empty: there are none, or the server is not running.
    std::vector<HookStatus> status() const;
    // Nothing is sent to the hook until it is resumed, also after a restart; what the log has waits. Errors:
    // unknown_hook.
    Checked<> pause(std::string_view name) const;
    Checked<> resume(std::string_view name) const;
    // Tells the hook again what the log of all conversations has behind this place (HookStatus::place; 0: everything
    // that is still there). Errors: unknown_hook, not_supported (it is told nothing that the log has).
    Checked<> replay(std::string_view name, std::uint64_t after) const;

    // Those that the server has: Server::hooks() makes it.
    explicit ServerHooks(server::hooks::Hooks& hooks) : hooks_(&hooks) {}

private:
    server::hooks::Hooks* hooks_;
};

}  // namespace flare
