#include "tree/spelling.hpp"

#include <algorithm>

namespace flare::cli {

std::size_t distance(std::string_view a, std::string_view b) {
    // Row i: from the first i letters of `a` to each beginning of `b` (optimal string alignment).
    std::vector<std::vector<std::size_t>> rows(a.size() + 1, std::vector<std::size_t>(b.size() + 1));
    for (std::size_t i = 0; i <= a.size(); ++i) {
        for (std::size_t j = 0; j <= b.size(); ++j) {
            if (i == 0 || j == 0) {
                rows[i][j] = i + j;
                continue;
            }
            rows[i][j] = std::min(
                {rows[i - 1][j] + 1, rows[i][j - 1] + 1, rows[i - 1][j - 1] + (a[i - 1] == b[j - 1] ? 0u : 1u)});
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                rows[i][j] = std::min(rows[i][j], rows[i - 2][j - 2] + 1);
        }
    }
    return rows[a.size()][b.size()];
}

std::size_t most_distance(std::string_view word) { return std::max<std::size_t>(2, word.size() / 3); }

std::string nearest(std::string_view word, const std::vector<std::string>& words) {
    constexpr std::size_t kLongest = 64;  // what is longer is no slip of the finger
    if (word.size() > kLongest) return {};
    std::string best;
    std::size_t least = most_distance(word) + 1;
    for (const std::string& each : words) {
        // Half of a short word right is chance, not a slip: "top" for "abp".
        const std::size_t far = distance(word, each);
        if (far >= least || far * 2 > each.size()) continue;
        least = far;
        best = each;
    }
    return best;
}

std::string did_you_mean(const std::string& word) { return word.empty() ? "" : "; did you mean " + word + "?"; }

}  // namespace flare::cli
