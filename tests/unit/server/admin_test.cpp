// Whom the admin address answers.
#include "server/admin/admin.hpp"

#include <gtest/gtest.h>

namespace flare::server::test {
namespace {

bool answers(std::string_view path, std::string_view host, const std::string& peer, bool exposed) {
    return !admin_objection(path, host, peer, exposed);
}

TEST(AdminRule, AnswersThisMachineWhateverItAsks) {
    for (const bool exposed : {false, true}) {
        for (const char* path : {"/metrics", "/healthz", "/readyz", "/stats", "/sessions", "/sessions/x", "/"}) {
            EXPECT_TRUE(answers(path, "127.0.0.1:4001", "127.0.0.1", exposed)) << path;
            EXPECT_TRUE(answers(path, "localhost", "::1", exposed)) << path;
            EXPECT_TRUE(answers(path, "", "127.0.0.1", exposed)) << "HTTP/1.0: " << path;
        }
    }
}

TEST(AdminRule, AnswersStrangersMetricsAndHealthAlone) {
    for (const char* path : {"/metrics", "/healthz", "/readyz"}) {
        EXPECT_TRUE(answers(path, "chat.example.com:4001", "192.0.2.7", true)) << path;
        EXPECT_FALSE(answers(path, "127.0.0.1", "192.0.2.7", false)) << path;
    }
    for (const char* path :
         {"/stats", "/sessions", "/sessions/x", "/metrics/", "/healthz/../sessions", "//metrics", ""}) {
        EXPECT_FALSE(answers(path, "127.0.0.1", "192.0.2.7", true)) << path;
        EXPECT_FALSE(answers(path, "localhost", "2001:db8::1", true)) << path;
        EXPECT_FALSE(answers(path, "localhost", "", true)) << "an address that cannot be read: " << path;
    }
}

TEST(AdminRule, TellsNamesOfWebPagesNothingOfSessions) {
    for (const bool exposed : {false, true}) {
        EXPECT_FALSE(answers("/sessions", "page.example", "127.0.0.1", exposed));
        EXPECT_FALSE(answers("/stats", "page.example:4001", "::1", exposed));
    }
}

}  // namespace
}  // namespace flare::server::test
