// Plants each fault of src/*/planted.hpp, one after the other, and looks for a history that notices it.
#pragma once

namespace flare::sim {

// Ends 0 when every one is noticed. `only`: one of them, by its name; null: all.
int run_mutants(const char* only);

}  // namespace flare::sim
