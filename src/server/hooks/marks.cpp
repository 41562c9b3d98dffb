#include "server/hooks/marks.hpp"

#include <new>
#include <utility>

namespace flare::server::hooks {

void Marks::write(store::HookMark mark) {
    const std::lock_guard lock(mutex_);
    put(std::move(mark));
    submit();
}

void Marks::flush() {
    const std::lock_guard lock(mutex_);
    submit();
}

void Marks::put(store::HookMark mark) {
    store::HookMark& there = waiting_[mark.name];
    mark.set = mark.set || there.set;
    if (!mark.paused) mark.paused = there.paused;
    there = std::move(mark);
}

void Marks::submit() {
    if (under_way_ || waiting_.empty()) return;
    try {
        auto batch = std::make_unique<store::WriteBatch>();
        for (auto& [name, mark] : waiting_) batch->writes.emplace_back().what = mark;
        under_way_ = store_.submit(batch, *this) == errc::ok;
        if (under_way_) waiting_.clear();
    } catch (const std::bad_alloc&) {  // the next one writes it
    }
}

void Marks::done(std::unique_ptr<store::WriteBatch> batch, const store::Answer& answer) noexcept {
    const std::lock_guard lock(mutex_);
    under_way_ = false;
    if (answer.code == errc::ok) return submit();
    for (store::Write& each : batch->writes) {
        auto& mark = std::get<store::HookMark>(each.what);
        const auto newer = waiting_.find(mark.name);
        if (newer == waiting_.end()) {
            waiting_.emplace(mark.name, mark);
        } else {
            newer->second.set |= mark.set;
            if (!newer->second.paused) newer->second.paused = mark.paused;
        }
    }
}

}  // namespace flare::server::hooks
