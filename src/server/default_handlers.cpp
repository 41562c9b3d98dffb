#include "base/crypto.hpp"
#include "server/config.hpp"
#include "server/known_auth.hpp"

namespace flare {

AuthHandler anonymous_auth() { return server::AnonymousAuth(); }

AuthHandler static_token_auth(std::map<std::string, StaticToken> tokens) {
    return [tokens = std::move(tokens)](const AuthRequest& request) -> Checked<Identity> {
        // Every token is compared in constant time, so that no prefix of one can be guessed by the clock.
        const StaticToken* found = nullptr;
        for (const auto& [token, entry] : tokens) {
            if (base::equal_constant_time(token, request.token)) found = &entry;
        }
        if (found == nullptr || request.token.empty()) return Failure(errc::unauthenticated);
        if (found->expires <= std::chrono::system_clock::now()) return Failure(errc::token_expired);
        return Identity(found->user, found->expires);
    };
}

namespace server {

MessageHandler default_handler(std::string chat_answer) {
    return [answer = std::move(chat_answer)](const SessionInfo&, const Message& message) -> HandlerResult {
        if (message.type != "chat") return Message("echo", message.payload);
        if (answer.empty()) return {};
        constexpr std::string_view kText = "{text}";
        const std::size_t at = answer.find(kText);
        if (at == answer.npos) return Message("chat_response", Bytes(answer));
        std::string text = answer;
        text.replace(at, kText.size(), message.payload.view());
        return Message("chat_response", Bytes(text));
    };
}

}  // namespace server
}  // namespace flare
