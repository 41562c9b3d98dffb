#include <flare/settings.hpp>

#include "client/im/asking.hpp"
#include "client/im/bodies.hpp"

#include <utility>

namespace flare {
namespace {

auto choosing(const Checked<client::Call>& call, std::string conversation, std::uint64_t epoch) {
    return [asked = call ? *call : client::Call(), conversation = std::move(conversation), epoch](
               client::ClientLoop& on, auto done) {
        on.with_sync([&](client::Sync& sync) { sync.choose(asked, conversation, epoch, std::move(done)); });
    };
}

}  // namespace

Settings::Settings(std::shared_ptr<client::ClientLoop> loop) : loop_(std::move(loop)) {}
Settings::~Settings() = default;

Checked<ConversationSettings> Settings::set(std::string conversation, SettingsChange change) {
    const auto call = client::set_call(conversation, change);
    return client::run<ConversationSettings>(loop_, call, choosing(call, std::move(conversation), 0));
}
Checked<ConversationSettings> Settings::clear(std::string conversation, Position upto) {
    const auto call = client::clear_call(conversation, upto);
    return client::run<ConversationSettings>(loop_, call, choosing(call, std::move(conversation), upto.epoch));
}

Task<Checked<ConversationSettings>> Settings::async_set(std::string conversation, SettingsChange change) {
    const auto call = client::set_call(conversation, change);
    return client::async_run<ConversationSettings>(loop_, call, choosing(call, std::move(conversation), 0));
}
Task<Checked<ConversationSettings>> Settings::async_clear(std::string conversation, Position upto) {
    const auto call = client::clear_call(conversation, upto);
    return client::async_run<ConversationSettings>(loop_, call, choosing(call, std::move(conversation), upto.epoch));
}

}  // namespace flare
