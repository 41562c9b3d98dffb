// Checks invariants of our own state at run time; never input from a peer, a file or a caller, which is answered with
// an error. In builds with FLARE_INVARIANTS (development, tests, sanitizers, fuzzing, the simulator) a violation aborts
// the process where it is noticed; elsewhere it is parsed and costs nothing.
//
// Threads: any.
#pragma once

namespace flare::base {

// Says on stderr which invariant is broken and where, and aborts.
[[noreturn]] void invariant_broken(const char* file, int line, const char* condition, const char* what) noexcept;

}  // namespace flare::base

// `what`: a literal that says what is broken.
#ifdef FLARE_INVARIANTS
#define FLARE_INVARIANT(condition, what) \
    ((condition) ? static_cast<void>(0) : ::flare::base::invariant_broken(__FILE__, __LINE__, #condition, what))
#else
#define FLARE_INVARIANT(condition, what) static_cast<void>(true || ((condition) && (what)[0] != '\0'))
#endif
