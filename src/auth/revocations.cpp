#include "auth/revocations.hpp"

#include "base/log.hpp"

#include <algorithm>

namespace flare::auth {
namespace {

constexpr std::size_t kSlackLines = 1024;  // so many more lines than revocations are left in the file

}  // namespace

Checked<> Revocations::open(const std::string& path, Time now) {
    const std::lock_guard lock(mutex_);
    if (file_) return {};
    auto file =
        RevocationFile::open(path, [&](Revocation each) { take(each.kind, std::move(each.name), each.until, now); });
    if (!file) return file.error();
    forget_old(now);
    if (users_.size() + tokens_.size() > limit_) {
        return Failure(errc::invalid_config, "revocations_file " + path + " holds " +
                                                 std::to_string(users_.size() + tokens_.size()) +
                                                 " revocations: raise max_revocations");
    }
    file_ = std::move(*file);
    return compact();
}

void Revocations::take(Kind kind, std::string name, Time until, Time now) {
    if (until <= now) {
        names(kind).erase(name);
    } else {
        names(kind).insert_or_assign(std::move(name), until);
    }
    size_.store(users_.size() + tokens_.size(), std::memory_order_release);
}

void Revocations::forget_old(Time now) {
    const auto old = [&](const auto& each) { return each.second <= now; };
    boost::unordered::erase_if(users_, old);
    boost::unordered::erase_if(tokens_, old);
    const std::size_t left = users_.size() + tokens_.size();
    size_.store(left, std::memory_order_release);
    forget_at_ = std::max<std::size_t>(1024, 2 * left);
}

Checked<> Revocations::compact() {
    const std::size_t count = users_.size() + tokens_.size();
    if (!file_ || file_->lines() <= 2 * count + kSlackLines) return {};
    std::vector<Revocation> all;
    all.reserve(count);
    for (const auto& [name, until] : users_) all.push_back({Kind::user, name, until});
    for (const auto& [name, until] : tokens_) all.push_back({Kind::token, name, until});
    return file_->rewrite(all);
}

Checked<> Revocations::revoke(Kind kind, std::string name, Time until, Time now) {
    if (name.empty() || name.size() > kMaxNameBytes)
        return Failure(errc::invalid_config, "a user or token id to revoke must have 1 to 256 bytes");
    const std::lock_guard lock(mutex_);
    const std::size_t count = users_.size() + tokens_.size();
    if (count >= std::min(limit_, forget_at_)) forget_old(now);
    if (until > now && users_.size() + tokens_.size() >= limit_ && !names(kind).contains(name)) {
        return Failure(errc::busy,
                       "no room for another revocation: raise max_revocations, or let revocations expire sooner");
    }
    take(kind, name, until, now);
    if (!file_) return {};
    if (auto written = file_->append({kind, std::move(name), until}); !written) return written;
    if (const auto compacted = compact(); !compacted) base::log().warn("{}", compacted.error().text);
    return {};
}

bool Revocations::revoked(std::string_view user, std::string_view token_id, Time now) const {
    if (size() == 0) return false;
    const std::lock_guard lock(mutex_);
    const auto holds = [&](const Names& names, std::string_view name) {
        const auto found = names.find(std::string(name));
        return found != names.end() && found->second > now;
    };
    return holds(users_, user) || (!token_id.empty() && holds(tokens_, token_id));
}

}  // namespace flare::auth
