#include "base/keyed_hash.hpp"

#include "base/random.hpp"

namespace flare::base {

const HashKey& process_hash_key() noexcept {
    static const HashKey key{system_random().next_u64(), system_random().next_u64()};
    return key;
}

}  // namespace flare::base
