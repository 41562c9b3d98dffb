// What /metrics says.
#include "server/admin/metrics.hpp"

#include <gtest/gtest.h>

namespace flare::server::test {
namespace {

TEST(Metrics, TellWhatCompressionHasDone) {
    ServerStats stats;
    stats.compression = {1, 2000, 300, 4, 500, 6000, 7};
    const std::string text = metrics_text(stats);
    for (const char* line : {"flare_compressed_messages_total 1\n", "flare_compressed_from_bytes_total 2000\n",
                             "flare_compressed_to_bytes_total 300\n", "flare_inflated_messages_total 4\n",
                             "flare_inflated_from_bytes_total 500\n", "flare_inflated_to_bytes_total 6000\n",
                             "flare_compression_refused_total 7\n"}) {
        EXPECT_NE(text.find(line), std::string::npos) << line;
    }
}

}  // namespace
}  // namespace flare::server::test
