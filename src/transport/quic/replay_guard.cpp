#include "transport/quic/replay_guard.hpp"

#include <new>

namespace flare::transport::quic {
namespace {

int add_hello(void* guard, time_t /*expires*/, const gnutls_datum_t* key, const gnutls_datum_t* /*data*/) {
    const std::string_view hello(reinterpret_cast<const char*>(key->data), key->size);
    const bool first = static_cast<ReplayGuard*>(guard)->first_time(hello, ReplayGuard::Clock::now());
    return first ? 0 : GNUTLS_E_DB_ENTRY_EXISTS;
}

}  // namespace

ReplayGuard::ReplayGuard() {
    if (gnutls_anti_replay_init(&handle_) != 0) throw std::bad_alloc();
    gnutls_anti_replay_set_window(handle_, static_cast<unsigned>(std::chrono::milliseconds(kWindow).count()));
    gnutls_anti_replay_set_ptr(handle_, this);
    gnutls_anti_replay_set_add_function(handle_, add_hello);
}

ReplayGuard::~ReplayGuard() { gnutls_anti_replay_deinit(handle_); }

bool ReplayGuard::first_time(std::string_view hello, Clock::time_point now) {
    const std::lock_guard lock(mutex_);
    if (now - turned_at_ >= kWindow) {
        before_ = std::move(recent_);
        recent_.clear();
        if (now - turned_at_ >= 2 * kWindow) before_.clear();
        turned_at_ = now;
    }
    std::string key(hello);
    if (before_.contains(key) || recent_.size() >= kMaxHellos) return false;
    return recent_.insert(std::move(key)).second;
}

}  // namespace flare::transport::quic
