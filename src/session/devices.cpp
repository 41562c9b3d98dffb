#include "session/devices.hpp"

#include "base/assert.hpp"
#include "session/planted.hpp"
#include "session/refusal.hpp"
#include "session/server_session.hpp"

#include <algorithm>
#include <utility>

namespace flare::session {
namespace {

std::string key_of(std::string_view user, std::string_view device) {
    std::string key;
    key.reserve(user.size() + device.size() + 1);
    key.append(user).push_back('\0');
    key.append(device);
    return key;
}

}  // namespace

bool Device::knows(const Uuid& attempt) const {
    return std::find(attempts.begin(), attempts.end(), attempt) != attempts.end();
}

void Device::remember(const Uuid& attempt) {
    if (attempts.size() >= kAttempts) attempts.erase(attempts.begin());
    attempts.push_back(attempt);
}

ServerSession* Device::of_attempt(const Uuid& attempt) const {
    const auto made_by = [&](const ServerSession* each) { return each->attachments().attempt() == attempt; };
    if (session != nullptr && made_by(session)) return session;
    const auto found = std::find_if(unconfirmed.begin(), unconfirmed.end(), made_by);
    return found == unconfirmed.end() ? nullptr : *found;
}

void Device::lose(ServerSession& ended, TimePoint now) {
    used_at = now;
    if (session == &ended) session = nullptr;
    std::erase(unconfirmed, &ended);
}

void Device::note_answer(const Uuid& id, const Receipt& receipt) {
    const bool later =
        receipt.status == wire::ReceiptStatus::refused && receipt.code == errc::busy && receipt.retry_after_ms != 0;
    if (later) {
        acted_on.withdraw(id);
    } else {
        acted_on.finish(id, receipt);
    }
}

std::optional<Receipt> Device::over_rate(const Settings& settings, std::size_t bytes, TimePoint now) {
    if (!rates) rates = std::make_unique<Rates>();
    const Duration for_messages = rates->messages.wait(settings.message_rate, 1, now);
    const Duration for_bytes = rates->bytes.wait(settings.byte_rate, bytes, now);
    const Duration wait = std::max(for_messages, for_bytes);
    if (wait <= Duration::zero()) {
        rates->messages.take(settings.message_rate, 1, now);
        rates->bytes.take(settings.byte_rate, bytes, now);
        return std::nullopt;
    }
    const bool messages = for_messages >= for_bytes;
    const Rate& rate = messages ? settings.message_rate : settings.byte_rate;
    const auto ms = std::chrono::ceil<std::chrono::milliseconds>(wait).count();
    return make_refusal(
        errc::rate_limited,
        "this session may send " + std::to_string(rate.per_second) + (messages ? " messages" : " bytes") + " a second",
        static_cast<std::uint32_t>(std::min<std::int64_t>(ms, UINT32_MAX)));
}

std::uint32_t Device::over_byte_rate(const Settings& settings, std::size_t bytes, TimePoint now) {
    if (!settings.byte_rate.limited()) return 0;
    if (!rates) rates = std::make_unique<Rates>();
    const Duration wait = rates->bytes.wait(settings.byte_rate, bytes, now);
    if (wait <= Duration::zero()) {
        rates->bytes.take(settings.byte_rate, bytes, now);
        return 0;
    }
    const auto ms = std::chrono::ceil<std::chrono::milliseconds>(wait).count();
    return static_cast<std::uint32_t>(std::min<std::int64_t>(ms, UINT32_MAX));
}

void Device::check_invariants() const {
    FLARE_INVARIANT(attempts.size() <= kAttempts, "more connects are remembered than may be");
    FLARE_INVARIANT(unconfirmed.size() <= kMaxUnconfirmed, "more sessions wait to be heard than may");
    FLARE_INVARIANT(std::find(unconfirmed.begin(), unconfirmed.end(), session) == unconfirmed.end(),
                    "a session is its device's and waits to become it");
    acted_on.check_invariants();
}

Device& Devices::get(std::string_view user, std::string_view device) {
    const auto [found, made] = all_.try_emplace(key_of(user, device));
    if (made) {
        found->second = std::make_unique<Device>(settings_, forgotten_at_);
        budget_.take_anyway(charge_of(found->first));
    }
    return *found->second;
}

Device* Devices::find(std::string_view user, std::string_view device) const {
    const auto found = all_.find(key_of(user, device));
    return found == all_.end() ? nullptr : found->second.get();
}

bool Devices::forget_old(TimePoint now) {
    bool idle = false;
    boost::unordered::erase_if(all_, [&](const auto& each) {
        if (!each.second->idle()) return false;
        const bool old = now - each.second->used_at > settings_.dedupe_retention();
        idle = idle || !old;
        if (old) budget_.give(charge_of(each.first));
        return old;
    });
    return idle;
}

void Devices::forget(std::string_view key, TimePoint now) {
    const auto found = all_.find(std::string(key));
    FLARE_INVARIANT(found != all_.end() && found->second->idle(), "a device goes that has a session");
    if (!found->second->acted_on.empty()) forgotten_at_ = now;
    observe_device_dropped(found->first);
    budget_.give(charge_of(found->first));
    all_.erase(found);
}

std::size_t Devices::check_invariants() const {
    std::size_t charged = 0;
    for (const auto& [key, device] : all_) {
        device->check_invariants();
        charged += charge_of(key);
    }
    return charged;
}

}  // namespace flare::session
