// Loading keys and certificates: each error names the path and the reason.
#include "support/certificates.hpp"
#include "transport/quic/quic.hpp"
#include "transport/tls/tls.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <unistd.h>

#include <filesystem>

namespace flare::transport::tls {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

class TlsContext : public ::testing::Test {
protected:
    void expect(errc code, const ServerOptions& options, const std::string& path, const std::string& reason) {
        std::string text;
        const auto loaded = ServerContext::load(options, &text);
        ASSERT_FALSE(loaded);
        EXPECT_EQ(loaded.error(), code) << text;
        EXPECT_THAT(text, AllOf(HasSubstr(path), HasSubstr(reason)));
        EXPECT_FALSE(ServerContext::load(options, nullptr)) << "the text may be left out";
    }
    test::Certificates files;
    test::Certificates::Identity good = files.make("good", {"localhost"});
};

TEST_F(TlsContext, LoadsACertificateWithItsKey) {
    std::string text;
    EXPECT_TRUE(ServerContext::load({good.certificate_file, good.key_file, "", false}, &text)) << text;
    EXPECT_TRUE(ServerContext::load({good.certificate_file, good.key_file, good.certificate_file, true}, &text))
        << text;
    EXPECT_TRUE(ClientContext::load({}, &text)) << text;
}

TEST_F(TlsContext, AnAuthorityThatIsDamagedTakesNoOtherWithIt) {
    std::string damaged = files.read("good.crt");
    damaged.replace(damaged.find('\n') + 10, 4, "!!!!");
    const std::string text = files.read("good.crt");
    int number = 0;
    for (const std::string& set :
         {damaged + text, text + damaged, text + "-----BEGIN CERTIFICATE-----\nAAAA\n",
          "-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n" + text, "\xef\xbb\xbf" + text}) {
        const std::string name = "set" + std::to_string(number++) + ".crt";
        files.write(name, set);
        ClientOptions options;
        options.ca_file = files.path(name);
        std::string why;
        EXPECT_TRUE(ClientContext::load(options, &why)) << why;
        EXPECT_TRUE(quic::ClientContext::load(options, {"flare.v1"}, &why, {})) << why;
    }
    files.write("none.crt", damaged + damaged);
    ClientOptions options;
    options.ca_file = files.path("none.crt");
    std::string why;
    EXPECT_FALSE(ClientContext::load(options, &why));
    EXPECT_THAT(why, HasSubstr("contains no usable CA: number 1 is damaged"));
}

TEST_F(TlsContext, NamesAMissingFile) {
    expect(errc::file_not_found, {files.path("none.crt"), good.key_file, "", false}, files.path("none.crt"),
           "no such file");
    expect(errc::file_not_found, {good.certificate_file, files.path("none.key"), "", false}, files.path("none.key"),
           "no such file");
    expect(errc::file_not_found, {good.certificate_file, good.key_file, files.path("none.ca"), false},
           files.path("none.ca"), "no such file");
}

TEST_F(TlsContext, NamesAFileThatCannotBeRead) {
    expect(errc::file_unreadable, {files.path(""), good.key_file, "", false}, files.path(""), "is a folder");
    if (::geteuid() == 0) return;  // root reads everything
    std::filesystem::permissions(good.key_file, std::filesystem::perms::none);
    expect(errc::file_unreadable, {good.certificate_file, good.key_file, "", false}, good.key_file,
           "permission denied");
}

TEST_F(TlsContext, RefusesAKeyThatOthersMayUseWhereverItStands) {
    files.write("both.crt", files.read("good.crt") + files.read("good.key"));
    EXPECT_TRUE(ServerContext::load({files.path("both.crt"), files.path("both.crt"), "", false}, nullptr));
    std::filesystem::permissions(files.path("both.crt"), std::filesystem::perms(0644));
    expect(errc::permission_denied, {files.path("both.crt"), good.key_file, "", false}, files.path("both.crt"),
           "mode 0644");
    std::filesystem::permissions(good.certificate_file, std::filesystem::perms(0644));
    std::filesystem::permissions(good.key_file, std::filesystem::perms(0640));
    EXPECT_TRUE(ServerContext::load({good.certificate_file, good.key_file, "", false}, nullptr));
    std::filesystem::permissions(good.key_file, std::filesystem::perms(0644));
    expect(errc::permission_denied, {good.certificate_file, good.key_file, "", false}, good.key_file,
           "chmod 600 " + good.key_file);
    std::string text;
    EXPECT_FALSE(ClientContext::load({"", good.certificate_file, good.key_file}, &text));
    EXPECT_THAT(text, testing::HasSubstr("chmod 600 " + good.key_file));
}

TEST_F(TlsContext, APipeIsRefusedAndNotWaitedFor) {
    ASSERT_EQ(::mkfifo(files.path("pipe").c_str(), 0600), 0);
    expect(errc::file_unreadable, {good.certificate_file, files.path("pipe"), "", false}, files.path("pipe"), "a pipe");
    expect(errc::file_unreadable, {files.path("pipe"), good.key_file, "", false}, files.path("pipe"), "a pipe");
}

TEST_F(TlsContext, NamesAFileThatIsNoPem) {
    files.write("empty", "");
    files.write("words", "just some words\n");
    files.write("broken", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
    expect(errc::certificate_invalid, {files.path("empty"), good.key_file, "", false}, files.path("empty"), "empty");
    expect(errc::certificate_invalid, {files.path("words"), good.key_file, "", false}, files.path("words"),
           "no PEM certificate");
    expect(errc::certificate_invalid, {files.path("broken"), good.key_file, "", false}, files.path("broken"),
           "damaged");
    expect(errc::certificate_invalid, {good.certificate_file, files.path("words"), "", false}, files.path("words"),
           "no PEM private key");
    expect(errc::certificate_invalid, {good.certificate_file, good.certificate_file, "", false}, good.certificate_file,
           "no PEM private key");
    expect(errc::certificate_invalid, {good.key_file, good.key_file, "", false}, good.key_file, "no PEM certificate");
}

TEST_F(TlsContext, NamesAKeyWithAPassphrase) {
    FILE* const file = std::fopen(files.path("locked.key").c_str(), "w");
    unsigned char passphrase[] = "secret";
    PEM_write_PKCS8PrivateKey(file, good.key.get(), EVP_aes_256_cbc(), reinterpret_cast<char*>(passphrase), 6, nullptr,
                              nullptr);
    std::fclose(file);
    std::filesystem::permissions(files.path("locked.key"), std::filesystem::perms(0600));
    expect(errc::certificate_invalid, {good.certificate_file, files.path("locked.key"), "", false},
           files.path("locked.key"), "passphrase");
}

TEST_F(TlsContext, NamesAnExpiredCertificateAndOneThatIsNotYetValid) {
    test::Certificates::Spec spec;
    spec.valid_from_seconds = -7200;
    spec.valid_until_seconds = -3600;
    const auto expired = files.make("expired", spec);
    expect(errc::certificate_expired, {expired.certificate_file, expired.key_file, "", false}, expired.certificate_file,
           "expired on");
    spec.valid_from_seconds = 3600;
    spec.valid_until_seconds = 7200;
    const auto early = files.make("early", spec);
    expect(errc::certificate_invalid, {early.certificate_file, early.key_file, "", false}, early.certificate_file,
           "not valid before");
}

TEST_F(TlsContext, NamesAKeyOfAnotherCertificate) {
    const auto other = files.make("other", {"localhost"});
    expect(errc::certificate_key_mismatch, {good.certificate_file, other.key_file, "", false}, other.key_file,
           good.certificate_file);
}

TEST_F(TlsContext, WantsWhatBelongsTogether) {
    expect(errc::invalid_config, {good.certificate_file, good.key_file, "", true}, "CA file", "required");
    std::string text;
    const auto half = ClientContext::load({"", good.certificate_file, ""}, &text);
    ASSERT_FALSE(half);
    EXPECT_EQ(half.error(), errc::invalid_config);
    const auto missing = ClientContext::load({files.path("none"), "", ""}, &text);
    ASSERT_FALSE(missing);
    EXPECT_EQ(missing.error(), errc::file_not_found);
    EXPECT_THAT(text, HasSubstr(files.path("none")));
}

}  // namespace
}  // namespace flare::transport::tls
