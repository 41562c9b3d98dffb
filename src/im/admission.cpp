#include "im/admission.hpp"

#include "im/planted.hpp"
#include "im/rights.hpp"

#include <algorithm>
#include <utility>

namespace flare::im {
namespace {

Refused too_fast(std::chrono::nanoseconds wait) {
    return Refusal{errc::rate_limited, "this device sends too fast: send again after retry_after", retry_after(wait)};
}

}  // namespace

Refused Admission::refuses(const Waiting& item, const model::Member& sender, const Now& now) const {
    const Send& send = item.send;
    const bool other_log = send.epoch != 0 && send.epoch != conversation_.head().last.epoch;
    if (send.sender != 0) {
        const Writing writing{sender, conversation_.config(), conversation_.blocked_for(send.sender)};
        const model::Head& head = conversation_.head();
        const Entry entry{.kind = send.kind,
                          .flags = send.flags,
                          .ref = send.ref,
                          .about = item.about ? &*item.about : nullptr,
                          .other_log = other_log,
                          .pruned = send.ref != 0 && send.ref < head.first};
        if (Refused refused = may_append(writing, entry, now.unix_ms)) return refused;
    } else if (other_log) {
        return of_another_log();
    }
    if (Refused refused = over_limits(send, sender, now)) return refused;
    return over_rate(item, now);
}

bool Admission::in_slow_mode(const Send& send, const model::Member& sender) const {
    return conversation_.config().slow_mode_ms != 0 && send.metered() && send.kind == model::EntryKind::message &&
           !can(sender.role, Capability::mute);
}

Refused Admission::over_limits(const Send& send, const model::Member& sender, const Now& now) const {
    const model::Config& config = conversation_.config();
    // A reaction is short, also where messages must be shorter.
    if (send.kind != model::EntryKind::reaction && send.size > config.max_payload_bytes)
        return Refusal{errc::message_too_large,
                       "the message is larger than this conversation takes: send less, or a link to it"};
    if (send.mentions > limits_.max_mentions)
        return Refusal{errc::message_too_large, "the message mentions more users than it may: name fewer"};
    if (send.ref > conversation_.head().last.offset)
        return Refusal{errc::forbidden, "the message refers to an offset that the log does not have: correct it"};
    if (!in_slow_mode(send, sender)) return {};
    const std::uint64_t wait = slow_.wait_ms(send.sender, config.slow_mode_ms, now.unix_ms);
    if (wait == 0) return {};
    return Refusal{errc::rate_limited, "slow mode is on: the next message may be sent after retry_after",
                   retry_after(std::chrono::milliseconds(wait))};
}

Refused Admission::over_rate(const Waiting& item, const Now& now) const {
    const Send& send = item.send;
    if (!send.metered()) return {};
    const auto device = item.counted ? std::chrono::nanoseconds(0) : devices_.wait(send.device, now.steady);
    const auto all = bucket_.wait(limits_.conversation, 1, now.steady);
    const auto members = deliveries_.wait(limits_.deliveries, deliveries(), now.steady);
    if (device > device.zero() && device >= std::max(all, members)) return too_fast(device);
    if (members > all)
        return Refusal{errc::rate_limited,
                       "too much is sent to a conversation of so many members: send again after retry_after",
                       retry_after(members)};
    if (all > all.zero())
        return Refusal{errc::rate_limited, "too much is sent to this conversation: send again after retry_after",
                       retry_after(all)};
    return {};
}

// Of one message; what never fits would wait for ever.
std::uint64_t Admission::deliveries() const noexcept {
    return std::min(conversation_.member_count(), limits_.deliveries.burst);
}

Refused Admission::over_device_rate(const Waiting& item, const Now& now) const {
    const bool free = item.counted || !item.send.metered();
    const auto wait = free ? std::chrono::nanoseconds(0) : devices_.wait(item.send.device, now.steady);
    return wait > wait.zero() ? over_rate(item, now) : Refused();
}

Refused Admission::over_rate_unread(const Send& send, const Now& now) const {
    if (!send.metered()) return {};
    const auto wait = devices_.wait(send.device, now.steady, send.first_sent_ms_ago == 0 ? 1 : 2);
    return wait > wait.zero() ? too_fast(wait) : Refused();
}

void Admission::count(Waiting& item, const Now& now) {
    if (std::exchange(item.counted, true) || !item.send.metered()) return;
    devices_.take(item.send.device, now.steady);
}

void Admission::is_known(Waiting& item) {
    if (std::exchange(item.counted, true) && item.send.metered()) devices_.give(item.send.device);
}

void Admission::goes(Waiting& item, const model::Member& sender, const Now& now) {
    const Send& send = item.send;
    if (!send.metered()) return;
    if (!planted(Fault::rate_not_counted)) {
        count(item, now);
        bucket_.take(limits_.conversation, 1, now.steady);
        deliveries_.take(limits_.deliveries, deliveries(), now.steady);
    }
    item.slow = !item.command && in_slow_mode(send, sender);
    if (item.slow) item.slow_before = slow_.wrote(send.sender, now.unix_ms);
}

void Admission::comes_back(const Waiting& item) {
    if (item.slow) slow_.put_back(item.send.sender, item.slow_before);
}

bool Admission::idle(const Now& now) const {
    const auto full = [&](const base::Bucket& bucket, const base::Rate& rate) {
        return bucket.wait(rate, rate.burst, now.steady) == std::chrono::nanoseconds(0);
    };
    return slow_.empty() && full(bucket_, limits_.conversation) && full(deliveries_, limits_.deliveries);
}

}  // namespace flare::im
