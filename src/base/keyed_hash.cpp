#include "base/keyed_hash.hpp"

#include "base/fixed_hash_key.hpp"
#include "base/random.hpp"

namespace flare::base {
namespace {

HashKey& key_of_this_process() noexcept {
    static HashKey key{system_random().next_u64(), system_random().next_u64()};
    return key;
}

}  // namespace

const HashKey& process_hash_key() noexcept { return key_of_this_process(); }
void fix_process_hash_key(const HashKey& key) noexcept { key_of_this_process() = key; }

}  // namespace flare::base
