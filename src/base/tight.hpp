// Vectors that keep little more memory than they use, for what there is much of and what seldom changes.
//
// Threads: those of the vector.
#pragma once

namespace flare::base {

// Before one is added: an eighth more than there is, where push_back() would double it.
template <typename Vector>
void make_room_tightly(Vector& in) {
    if (in.size() == in.capacity()) in.reserve(in.size() + in.size() / 8 + 2);
}

// After one was taken out.
template <typename Vector>
void shrink_tightly(Vector& in) {
    if (in.capacity() > in.size() + in.size() / 4 + 4) in.shrink_to_fit();
}

}  // namespace flare::base
