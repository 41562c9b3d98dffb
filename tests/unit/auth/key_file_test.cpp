// Keys in a file that changes under a running server.
#include "auth/key_file.hpp"
#include "auth/jwt.hpp"
#include "support/folder.hpp"
#include "support/tokens.hpp"

#include <gtest/gtest.h>

#include <thread>

namespace flare::auth::test {
namespace {

using flare::test::Folder;
using flare::test::Signer;
using namespace std::chrono_literals;

Failure why(const JwtOptions& options) {
    const auto file = KeyFile::open(options);
    return file ? Failure(errc::ok, "taken") : file.error();
}

// Looks until it holds; the limit only ends a run that hangs.
bool in_time(const std::function<bool()>& holds) {
    for (const auto end = std::chrono::steady_clock::now() + 30s; std::chrono::steady_clock::now() < end;) {
        if (holds()) return true;
        std::this_thread::sleep_for(20ms);
    }
    return false;
}

TEST(KeyFile, IsNamedWhenItCannotBeUsed) {
    Folder folder;
    JwtOptions options;
    EXPECT_EQ(why(options).text, "jwt_auth: needs either key_file or jwks_file");
    options.key_file = folder.path("missing");
    EXPECT_TRUE(why(options).text.starts_with("jwt_auth: key_file needs an algorithm: HS256")) << why(options).text;
    options.algorithm = JwtAlgorithm::hs256;
    EXPECT_EQ(why(options).code, errc::file_not_found);
    EXPECT_NE(why(options).text.find(options.key_file), std::string::npos);
    options.key_file = folder.write("short", "too short\n");
    EXPECT_EQ(why(options).code, errc::invalid_config);
    EXPECT_NE(why(options).text.find(options.key_file + ": the secret has 9 bytes"), std::string::npos);
    EXPECT_EQ(why(options).text.find("too short"), std::string::npos) << "secrets are not shown";
    options.key_file = folder.write("large", std::string(300'000, 'x'));
    EXPECT_EQ(why(options).code, errc::invalid_config);
    options.jwks_file = options.key_file;
    EXPECT_EQ(why(options).text, "jwt_auth: needs either key_file or jwks_file");
    options.key_file.clear();
    options.jwks_file = folder.write("jwks", "{}");
    EXPECT_NE(why(options).text.find("jwks_file " + options.jwks_file), std::string::npos);
}

TEST(KeyFile, ASecretThatOthersMayUseIsRefusedAndAPublicKeyIsNot) {
    Folder folder;
    const auto expose = [&](const std::string& name, const std::string& content) {
        const std::string file = folder.write(name, content);
        std::filesystem::permissions(file, std::filesystem::perms(0644));
        return file;
    };
    JwtOptions options;
    options.algorithm = JwtAlgorithm::hs256;
    options.key_file = expose("secret", std::string(40, 's'));
    EXPECT_EQ(why(options).code, errc::permission_denied);
    EXPECT_NE(why(options).text.find("mode 0644"), std::string::npos) << why(options).text;
    EXPECT_NE(why(options).text.find("chmod 600 " + options.key_file), std::string::npos) << why(options).text;

    JwtOptions set;
    set.jwks_file = expose("set", R"({"keys":[{"kty":"oct","alg":"HS256","k":")" + std::string(64, 'A') + R"("}]})");
    EXPECT_EQ(why(set).code, errc::permission_denied);

    const Signer signer = Signer::ed25519();
    options.algorithm = JwtAlgorithm::eddsa;
    options.key_file = expose("public", signer.public_pem());
    EXPECT_EQ(why(options).code, errc::ok) << why(options).text;
}

TEST(KeyFile, OneLineEndAfterASecretDoesNotCount) {
    Folder folder;
    const std::string secret(40, 's');
    JwtOptions options;
    options.algorithm = JwtAlgorithm::hs256;
    for (const char* end : {"", "\n", "\r\n"}) {
        options.key_file = folder.write("secret", secret + end);
        const auto file = KeyFile::open(options);
        ASSERT_TRUE(file);
        EXPECT_TRUE((*(*file)->keys())[0].verifies("text", Signer::secret(secret).sign("text")));
    }
}

TEST(KeyFile, AMarkBeforeUtf8IsNoPartOfIt) {
    Folder folder;
    const std::string mark = "\xef\xbb\xbf";
    JwtOptions options;
    options.algorithm = JwtAlgorithm::hs256;
    options.key_file = folder.write("secret", mark + std::string(40, 's') + "\n");
    const auto file = KeyFile::open(options);
    ASSERT_TRUE(file) << file.error().text;
    EXPECT_TRUE((*(*file)->keys())[0].verifies("text", Signer::secret(std::string(40, 's')).sign("text")));
    const Signer signer = Signer::ed25519();
    options.algorithm = JwtAlgorithm::eddsa;
    options.key_file = folder.write("pem", mark + signer.public_pem());
    EXPECT_EQ(why(options).text, "taken");
    JwtOptions set;
    set.jwks_file = folder.write("set", mark + "{\"keys\":[" + signer.jwk("") + "]}");
    EXPECT_EQ(why(set).text, "taken");
    set.jwks_file = folder.write("utf16", std::string("\xff\xfe{\0}\0", 6));
    EXPECT_NE(why(set).text.find("UTF-16"), std::string::npos) << why(set).text;
}

TEST(KeyFile, ASecretThatOthersMayReadIsPassedOverInASet) {
    Folder folder;
    const Signer signer = Signer::ed25519();
    JwtOptions options;
    options.jwks_file = folder.write("set", R"({"keys":[{"kty":"oct","kid":"s","k":")" + std::string(64, 'A') + "\"}," +
                                                signer.jwk(R"("kid":"a")") + "]}");
    std::filesystem::permissions(options.jwks_file, std::filesystem::perms(0644));
    const auto file = KeyFile::open(options);
    ASSERT_TRUE(file) << file.error().text;
    ASSERT_EQ((*file)->keys()->size(), 1u);
    EXPECT_EQ((*file)->keys()->front().id(), "a");
}

TEST(KeyFile, IsReadAgainWhenItHasChanged) {
    Folder folder;
    const Signer first = Signer::ed25519();
    const Signer second = Signer::ed25519();
    JwtOptions options;
    options.jwks_file = folder.write("jwks", "{\"keys\":[" + first.jwk(R"("kid":"1")") + "]}");
    const auto file = KeyFile::open(options);
    ASSERT_TRUE(file);
    const auto verifies = [&](const Signer& signer) {
        return (*(*file)->keys())[0].verifies("text", signer.sign("text"));
    };
    EXPECT_TRUE(verifies(first));
    folder.replace("jwks", "{\"keys\":[" + second.jwk(R"("kid":"2")") + "]}");
    EXPECT_TRUE(in_time([&] { return verifies(second); }));
    EXPECT_FALSE(verifies(first));
    // What cannot be used changes nothing, and what comes after it does.
    folder.replace("jwks", "{\"keys\":[");
    const auto before = (*file)->keys();
    std::this_thread::sleep_for(1100ms);  // it looks once a second
    EXPECT_EQ((*file)->keys(), before);
    std::filesystem::remove(folder.path("jwks"));
    std::this_thread::sleep_for(1100ms);
    EXPECT_EQ((*file)->keys(), before);
    folder.replace("jwks", "{\"keys\":[" + first.jwk(R"("kid":"1")") + "]}");
    EXPECT_TRUE(in_time([&] { return verifies(first); }));
}

TEST(KeyFile, IsSharedByThreads) {
    Folder folder;
    const Signer signer = Signer::ec();
    JwtOptions options;
    options.algorithm = JwtAlgorithm::es256;
    options.key_file = folder.write("key", signer.public_pem());
    const auto file = KeyFile::open(options);
    ASSERT_TRUE(file);
    const auto now = std::chrono::system_clock::now();
    const std::string token =
        signer.token(R"({"sub":"ann","exp":)" + std::to_string(flare::test::unix_seconds(now) + 60) + "}");
    std::atomic<int> good{0};
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i) {
        threads.emplace_back([&] {
            for (int k = 0; k < 100; ++k) good += verify_jwt(token, *(*file)->keys(), options, now) ? 1 : 0;
        });
    }
    for (std::thread& thread : threads) thread.join();
    EXPECT_EQ(good, 400);
}

}  // namespace
}  // namespace flare::auth::test
