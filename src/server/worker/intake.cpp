#include "server/worker/intake.hpp"

#include "wire/batch.hpp"

#include <algorithm>
#include <utility>

namespace flare::server {
namespace {

// Of payloads that a connection's messages may have inflated on the loop in one turn, and how often that is asked.
constexpr std::size_t kInflatedPerTurn = 256 * 1024;
constexpr std::size_t kFramesPerLook = 8;

bool is_attached(const ServerCarrier& carrier) {
    return carrier.state == ServerCarrier::State::attached && carrier.transport != nullptr;
}

}  // namespace

void Intake::received(ServerCarrier& carrier, std::string_view batch) {
    if (!std::exchange(carrier.in_turn, true)) carrier.awaited = carrier.dirty;
    take(carrier, batch);
}

// Hands on as many frames as this turn still has, and reads no more before the next one when there are none left.
void Intake::take(ServerCarrier& carrier, std::string_view batch) {
    const std::size_t used = take_front(carrier, batch);
    if (used == batch.size() && carrier.frames_left != 0) return;
    if (!is_attached(carrier)) return;
    carrier.rest = std::make_unique<ServerCarrier::Rest>(ServerCarrier::Rest{std::string(batch.substr(used)), 0});
    carrier.transport->pause_reading(true);
    executor_.later([this, key = carrier.key] { go_on(key); });
}

std::size_t Intake::take_front(ServerCarrier& carrier, std::string_view batch) {
    // What has to be inflated is looked at a few frames at a time: it may be much more than what came.
    const std::size_t step = state_.config.compression ? kFramesPerLook : ServerCarrier::kFramesPerTurn;
    std::size_t used = 0;
    turn_ = {executor_.now(), executor_.wall_clock(), 0};
    do {
        const wire::Front front = wire::front_of(batch.substr(used), std::min<std::size_t>(step, carrier.frames_left));
        carrier.frames_left -= static_cast<std::uint32_t>(
            std::min<std::size_t>(carrier.frames_left, std::max<std::size_t>(front.frames, 1)));
        used += front.bytes.size();
        table_.on_batch(carrier.key, front.bytes, turn_.handled_at);
        if (turn_.inflating >= kInflatedPerTurn) carrier.frames_left = 0;
    } while (used != batch.size() && carrier.frames_left != 0);
    executor_.arm_timer();
    return used;
}

void Intake::go_on(session::CarrierKey key) {
    ServerCarrier* carrier = carriers_.find(key);
    if (carrier == nullptr || !carrier->rest || carrier->state != ServerCarrier::State::attached) return;
    carrier->frames_left = ServerCarrier::kFramesPerTurn;
    ServerCarrier::Rest& rest = *carrier->rest;
    if (rest.used != rest.bytes.size())
        rest.used += take_front(*carrier, std::string_view(rest.bytes).substr(rest.used));
    carrier = carriers_.find(key);
    if (carrier == nullptr || !is_attached(*carrier)) return;
    if (rest.used != rest.bytes.size()) return executor_.later([this, key] { go_on(key); });
    carrier->rest.reset();
    carriers_.charge(*carrier);
    if (carrier->gone) return;
    carrier->frames_left = ServerCarrier::kFramesPerTurn;
    carrier->transport->pause_reading(false);
}

void Intake::turn_ended(ServerCarrier& carrier) {
    carrier.in_turn = false;
    if (carrier.gone) return;
    carriers_.charge(carrier);
    if (carrier.gone) return;
    if (!carrier.rest) carrier.frames_left = ServerCarrier::kFramesPerTurn;
    carriers_.write_after_turn(carrier, turn_.handled_at);
}

}  // namespace flare::server
