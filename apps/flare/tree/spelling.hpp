// Did you mean: which of the words that there are is most like the one that was typed.
//
// Threads: functions of values.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace flare::cli {

// How many letters must be put in, left out, changed, or exchanged with their neighbour.
std::size_t distance(std::string_view a, std::string_view b);
// How far a word may be off and still be meant.
std::size_t most_distance(std::string_view word);
// Empty: none is like it. The first of several that are equally near.
std::string nearest(std::string_view word, const std::vector<std::string>& words);
// "; did you mean WORD?", or nothing without a word.
std::string did_you_mean(const std::string& word);

}  // namespace flare::cli
