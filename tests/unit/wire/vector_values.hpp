// What golden frames are made of, in more than one file.
#pragma once

#include "vector_cases.hpp"

#include "wire/frame.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace flare::wire::test {

Hello new_hello();
// A frame of these bytes, with its length before it.
std::string raw_frame(std::string_view hex);

// Those that have to be refused.
void add_refused(std::vector<VectorCase>& cases);

}  // namespace flare::wire::test
