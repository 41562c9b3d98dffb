#include <flare/restrictions.hpp>

#include "client/im/asking.hpp"
#include "client/im/people_bodies.hpp"

#include <utility>

namespace flare {

Restrictions::Restrictions(std::shared_ptr<client::ClientLoop> loop) : loop_(std::move(loop)) {}
Restrictions::~Restrictions() = default;

Checked<BanPage> Restrictions::bans(std::string room, std::string after, std::uint32_t limit) {
    return client::ask<BanPage>(loop_, client::bans_call(room, after, limit), client::read_bans);
}
Checked<BlockPage> Restrictions::blocked(std::string after, std::uint32_t limit) {
    return client::ask<BlockPage>(loop_, client::blocks_call(after, limit), client::read_blocks);
}

Task<Checked<BanPage>> Restrictions::async_bans(std::string room, std::string after, std::uint32_t limit) {
    return client::async_ask<BanPage>(loop_, client::bans_call(room, after, limit), client::read_bans);
}
Task<Checked<BlockPage>> Restrictions::async_blocked(std::string after, std::uint32_t limit) {
    return client::async_ask<BlockPage>(loop_, client::blocks_call(after, limit), client::read_blocks);
}

}  // namespace flare
