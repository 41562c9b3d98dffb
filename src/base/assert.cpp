#include "base/assert.hpp"

#include <cstdio>
#include <cstdlib>

namespace flare::base {

void invariant_broken(const char* file, int line, const char* condition, const char* what) noexcept {
    std::fprintf(stderr, "%s:%d: an invariant is broken: %s (%s)\n", file, line, what, condition);
    std::abort();
}

}  // namespace flare::base
