// Vectors that keep little more memory than they use, for what there is much of and what seldom changes.
//
// Threads: those of the vector.
#pragma once

#include <vector>

namespace flare::base {

// Before one is added: an eighth more than there is, where push_back() would double it.
template <typename T>
void make_room_tightly(std::vector<T>& in) {
    if (in.size() == in.capacity()) in.reserve(in.size() + in.size() / 8 + 2);
}

// After one was taken out.
template <typename T>
void shrink_tightly(std::vector<T>& in) {
    if (in.capacity() > in.size() + in.size() / 4 + 4) in.shrink_to_fit();
}

}  // namespace flare::base
