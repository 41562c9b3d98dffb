#include "server/hooks/settings.hpp"

#include "base/file.hpp"
#include "server/hooks/signature.hpp"
#include "store/backend.hpp"
#include "transport/tls/tls.hpp"

#include <algorithm>
#include <sstream>
#include <utility>

namespace flare::server::hooks {
namespace {

constexpr std::size_t kMaxNameBytes = 64;
static_assert(ServerHook::kMost <= store::kMostHooks);
constexpr std::size_t kMaxSecretsFileBytes = 4096;
constexpr std::chrono::milliseconds kUsualTimeout{10'000};
constexpr std::chrono::milliseconds kUsualTimeoutOfAsked{1000};
constexpr std::chrono::milliseconds kMaxTimeout{60'000};
constexpr std::size_t kMaxAnswerBytes = 16 * 1024;
constexpr std::size_t kMaxAnswerBytesOfAsked = 2 * 1024 * 1024;  // it may have a payload

bool is_name(const std::string& name) {
    return !name.empty() && name.size() <= kMaxNameBytes && std::ranges::all_of(name, [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
    });
}

Failure wrong(const ServerHook& hook, const std::string& what) {
    return {errc::invalid_config, "hooks: \"" + hook.name + "\": " + what};
}

Checked<EventSet> events_of(const ServerHook& hook) {
    EventSet events;
    for (const std::string& each : hook.events) {
        const EventSet named = EventSet::named(each);
        if (named.empty()) return wrong(hook, "\"" + each + "\" is no event; docs/hooks.md has them all");
        events.add(named);
    }
    return hook.events.empty() ? EventSet::of_log() : events;
}

Checked<> check_events(const ServerHook& hook, const EventSet& events) {
    if (events.any_asked() && events.any_told())
        return wrong(hook, "it is either asked (\"before\") or told: make two hooks of it");
    const bool says = hook.on_failure != ServerHook::OnFailure::unset;
    if (events.any_asked() && !says)
        return wrong(hook, "on_failure must be said of a hook that is asked: refuse, or accept");
    if (!events.any_asked() && says) return wrong(hook, "on_failure is of a hook that is asked, and this one is told");
    return {};
}

Checked<EventSet> check_one(const ServerHook& hook) {
    if (!is_name(hook.name)) return wrong(hook, "its name has 1 to 64 of a to z, 0 to 9, - and _");
    if (const auto url = transport::http::parse_url(hook.url); !url) return wrong(hook, "url " + url.error().text);
    if (hook.timeout.count() < 0 || hook.timeout > kMaxTimeout)
        return wrong(hook, "timeout must be within 1 ms and 60 s");
    if (hook.secrets.empty() == hook.secrets_file.empty())
        return wrong(hook, "it needs a secret by which its endpoint knows the server: secrets, or secrets_file");
    if (hook.secrets.size() > 2) return wrong(hook, "it has one secret, or two while one takes the place of the other");
    auto events = events_of(hook);
    if (!events) return events;
    if (auto good = check_events(hook, *events); !good) return good.error();
    return events;
}

Checked<std::vector<std::string>> secrets_of(const ServerHook& hook) {
    if (!hook.secrets.empty()) return hook.secrets;
    const auto text = base::read_text(hook.secrets_file, "hooks: secrets_file of \"" + hook.name + "\"",
                                      kMaxSecretsFileBytes, base::Access::secret);
    if (!text) return text.error();
    std::vector<std::string> secrets;
    std::istringstream words(*text);
    for (std::string word; words >> word;) secrets.push_back(word);
    if (secrets.empty() || secrets.size() > 2) return wrong(hook, hook.secrets_file + " has one or two secrets");
    return secrets;
}

Checked<SettingsPtr> load_one(const ServerHook& hook) {
    const auto events = check_one(hook);
    if (!events) return events.error();
    auto made = std::make_shared<Settings>();
    made->name = hook.name;
    made->url = hook.url;
    made->events = *events;
    made->asked = events->any_asked();
    made->accepts_on_failure = hook.on_failure == ServerHook::OnFailure::accept;
    const auto secrets = secrets_of(hook);
    if (!secrets) return secrets.error();
    for (const std::string& each : *secrets) {
        auto key = key_of_secret(each);
        if (!key) return wrong(hook, "a secret is \"whsec_\" and the base64 of 24 to 64 bytes");
        made->keys.push_back(std::move(*key));
    }
    auto url = transport::http::parse_url(hook.url);
    transport::http::Endpoint endpoint = std::move(url->endpoint);
    endpoint.timeout = hook.timeout.count() != 0 ? hook.timeout : made->asked ? kUsualTimeoutOfAsked : kUsualTimeout;
    endpoint.max_answer_bytes = made->asked ? kMaxAnswerBytesOfAsked : kMaxAnswerBytes;
    endpoint.most_kept = made->asked ? 32 : 2;
    endpoint.repeatable = true;  // each event has an id, and what is asked changes nothing
    endpoint.headers = {{"Content-Type", "application/json"}, {"User-Agent", "flare"}};
    if (url->secure) {
        std::string text;
        transport::tls::ClientOptions trust;
        trust.ca_file = hook.ca_file;
        auto context = transport::tls::ClientContext::load(trust, &text);
        if (!context) return Failure(static_cast<errc>(context.error().value()), "hooks: " + hook.name + ": " + text);
        endpoint.tls = std::move(*context);
    }
    made->client = std::make_shared<transport::http::Client>(std::move(endpoint));
    return SettingsPtr(std::move(made));
}

}  // namespace

Checked<> check(const std::vector<ServerHook>& hooks) {
    if (hooks.size() > ServerHook::kMost)
        return Failure(errc::invalid_config,
                       "hooks: there are more than " + std::to_string(ServerHook::kMost) + " of them");
    for (const ServerHook& each : hooks) {
        if (std::ranges::count(hooks, each.name, &ServerHook::name) != 1)
            return wrong(each, "two hooks have this name");
        const auto events = check_one(each);
        if (!events) return events.error();
        for (const ServerHook& other : hooks) {
            if (&other == &each || !events->any_asked()) continue;
            const auto others = events_of(other);
            if (others && others->shares_asked(*events)) return wrong(each, "another hook is asked the same");
        }
    }
    return {};
}

Checked<std::vector<SettingsPtr>> load(const std::vector<ServerHook>& hooks) {
    if (auto good = check(hooks); !good) return good.error();
    std::vector<SettingsPtr> loaded;
    for (const ServerHook& each : hooks) {
        auto one = load_one(each);
        if (!one) return one.error();
        loaded.push_back(std::move(*one));
    }
    return loaded;
}

}  // namespace flare::server::hooks
