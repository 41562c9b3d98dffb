#include "client/connect/heals.hpp"

#include <gtest/gtest.h>

namespace flare::client::test {
namespace {

TEST(Heals, WhatTheNetworkOrTheServersAbsenceCaused) {
    for (const errc code : {errc::connection_refused, errc::connect_timeout, errc::connection_lost,
                            errc::host_not_found, errc::network_unreachable, errc::tls_failed, errc::shutting_down,
                            errc::too_many_connections, errc::busy, errc::session_expired, errc::internal})
        EXPECT_TRUE(heals(code, false)) << name(code);
}

TEST(Heals, WhatAProxyAnswersForAServerThatIsAway) {
    EXPECT_TRUE(heals(errc::bad_upgrade, false));
    EXPECT_TRUE(heals(errc::hello_timeout, false));
}

TEST(Heals, ARefusedTokenOnlyWhereThereMayBeAnother) {
    for (const errc code : {errc::unauthenticated, errc::token_expired}) {
        EXPECT_TRUE(heals(code, true)) << name(code);
        EXPECT_FALSE(heals(code, false)) << name(code);
    }
}

TEST(Heals, NotWhatIsForTheUserOrTheConfiguration) {
    for (const errc code :
         {errc::user_mismatch, errc::forbidden, errc::kicked, errc::session_replaced, errc::credential_revoked,
          errc::unsupported_version, errc::subprotocol_missing, errc::malformed_frame, errc::encryption_unavailable,
          errc::server_key_mismatch, errc::certificate_rejected, errc::invalid_config})
        EXPECT_FALSE(heals(code, true)) << name(code);
}

}  // namespace
}  // namespace flare::client::test
