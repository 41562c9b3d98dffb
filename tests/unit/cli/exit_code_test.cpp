// What the commands exit with: docs/cli.md.
#include "apps/flare/exit_code.hpp"

#include <gtest/gtest.h>

namespace flare::cli::test {
namespace {

TEST(ExitCodes, SayWhoIsToBlame) {
    for (const errc code : {errc::connection_refused, errc::connect_timeout, errc::malformed_frame})
        EXPECT_EQ(exit_code_of(code), kUnreachable) << name(code);
    for (const errc code :
         {errc::unauthenticated, errc::forbidden, errc::rate_limited, errc::busy, errc::not_supported})
        EXPECT_EQ(exit_code_of(code), kRefused) << name(code);
    for (const errc code : {errc::user_offline, errc::outcome_unknown, errc::unknown_conversation,
                            errc::message_too_large, errc::outbox_full, errc::internal})
        EXPECT_EQ(exit_code_of(code), kFailed) << name(code);
    for (const errc code : {errc::invalid_config, errc::file_not_found})
        EXPECT_EQ(exit_code_of(code), kUsage) << name(code);
}

TEST(ExitCodes, AServerWhoseStoreDoesNotWorkHasRefused) {
    for (const errc code : {errc::storage_full, errc::storage_failed, errc::store_damaged})
        EXPECT_EQ(exit_code_of(code), kRefused) << name(code);
}

}  // namespace
}  // namespace flare::cli::test
