#include "session/session_table.hpp"

#include "base/assert.hpp"
#include "session/planted.hpp"

#include <algorithm>
#include <map>

namespace flare::session {

SessionTable::SessionTable(Settings settings, std::uint32_t home, TimePoint started, base::Random& random,
                           Budget& budget, SessionTableListener& listener, const TicketKeys* ticket_keys)
    : settings_(settings),
      budget_(budget),
      devices_(settings_, budget),
      tombstones_(settings_.tombstone_life, budget),
      life_(settings_, listener, sessions_, tombstones_, deadlines_),
      shedding_(budget, listener, sessions_, devices_, tombstones_, life_),
      messages_(settings_, started, listener, sessions_, expected_, life_, shedding_),
      requests_(settings_, listener, sessions_, life_, shedding_),
      attaching_({settings_, budget, listener, sessions_, devices_, tombstones_, expected_, life_, shedding_, messages_,
                  requests_},
                 random, ticket_keys),
      carriers_(settings_, home, listener, sessions_, life_, attaching_) {}

void SessionTable::for_each(const std::function<void(ServerSession&)>& each) {
    for (ServerSession* const session : sessions_.all()) {
        if (!session->farewell().ended()) each(*session);
    }
}

void SessionTable::on_time(TimePoint now) {
    const SessionIndex::Entry entry(sessions_);
    life_.on_time(now);
    if (!deadlines_.take_sweep(now)) return;
    expected_.expire(now);
    tombstones_.forget_old(now);
    const bool idle = devices_.forget_old(now);
    if (idle || !tombstones_.empty() || !expected_.empty()) deadlines_.sweep_some_time(now);
}

std::size_t SessionTable::check_invariants() const {
    std::size_t charged = devices_.check_invariants() + sessions_.check_invariants();
    tombstones_.for_each([&](const SessionId& id, const Tombstone& grave) {
        FLARE_INVARIANT(sessions_.find(id) == nullptr, "a session has ended and lives");
        charged += grave.charge();
    });
    std::map<SessionId, std::uint32_t> waiting;  // repeats
    devices_.for_each([&](std::string_view, const Device& device) {
        for (const Device::Waiting& repeat : device.waiting) ++waiting[repeat.session];
        FLARE_INVARIANT(device.session == nullptr || sessions_.find(device.session->id()) == device.session,
                        "a device has a session that is gone");
    });
    sessions_.for_each([&](ServerSession& session) {
        const Device* const owner = devices_.find(session.user(), session.device());
        FLARE_INVARIANT(owner == &session.owner(), "a session's device has gone");
        const bool waits = std::count(owner->unconfirmed.begin(), owner->unconfirmed.end(), &session) == 1;
        FLARE_INVARIANT(session.attachments().unconfirmed() == waits, "who waits to be heard is not agreed");
        FLARE_INVARIANT(waits || owner->session == &session || planted(Fault::attempt_makes_two),
                        "a session is not its device's");
        const auto repeats = waiting.find(session.id());
        FLARE_INVARIANT(repeats == waiting.end() || repeats->second <= session.work().messages(),
                        "more repeats wait than messages are in progress");
        const TimePoint due = session.next_deadline(true);
        FLARE_INVARIANT(session.timer.is_linked() || due == kNever, "a deadline has no timer");
        FLARE_INVARIANT(!session.timer.is_linked() || session.timer.at - settings_.min_ack_delay <= due,
                        "a timer is late");
    });
    FLARE_INVARIANT(deadlines_.sweeps() || (tombstones_.empty() && expected_.empty()), "nobody looks at what is old");
    budget_.check_invariants();
    return charged;
}

}  // namespace flare::session
