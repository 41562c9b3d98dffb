// What an endpoint answers to a hook that asks: it is a decision that can be carried out, or what is wrong is said.
#include "server/hooks/before_hook.hpp"

#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

namespace {

using namespace flare::server;

void require(bool holds) {
    if (!holds) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const Config config;
    static const Encoder encoder(config);
    if (size == 0) return 0;
    HookQuestion question;
    question.about = static_cast<HookQuestion::About>(data[0] % 4);
    question.user = "ann";
    question.message.type = "text";
    question.message.to = "room:lunch";
    std::string why;
    const auto decision =
        hooks::verdict_of({reinterpret_cast<const char*>(data) + 1, size - 1}, question, encoder, why);
    require(decision.has_value() == why.empty());
    if (!decision) return 0;
    const flare::errc code = decision->says.code;
    require(code == flare::errc::ok || (code == flare::errc::forbidden && !decision->says.text.empty()));
    const bool has_message = question.about <= HookQuestion::About::update;
    require(decision->altered == nullptr || (has_message && decision->altered->encoded != nullptr));
    return 0;
}
