// A sealing key that a certificate vouches for.
#include "transport/tls/signed_key.hpp"
#include "support/certificates.hpp"

#include <gtest/gtest.h>

namespace flare::transport::tls::test {
namespace {

using flare::test::Certificates;

class SignedKeys : public ::testing::Test {
protected:
    std::shared_ptr<ServerContext> server(const Certificates::Identity& identity) {
        return ServerContext::load({identity.certificate_file, identity.key_file, "", false}, nullptr).value();
    }
    std::shared_ptr<ClientContext> client(const Certificates::Identity& trusted) {
        return ClientContext::load({trusted.certificate_file, "", ""}, nullptr).value();
    }
    SignedKey sign(const Certificates::Identity& identity) { return sign_key(*server(identity), nonce, key).value(); }
    // What the verification says; empty: it is good.
    std::string verdict(const SignedKey& made, const std::string& name = "localhost") {
        const auto result = verify_key(*client(authority), name, nonce, key, made);
        if (result) return {};
        EXPECT_EQ(result.error().code, errc::certificate_rejected);
        return result.error().text;
    }

    Certificates files;
    Certificates::Identity authority = files.authority();
    const std::string nonce = std::string(32, 'n');
    const std::string key = std::string(32, 'k');
};

TEST_F(SignedKeys, EveryKindOfCertificateCanVouch) {
    for (const char* kind : {"EC", "RSA", "ED25519"}) {
        Certificates::Spec spec;
        spec.common_name = "server";
        spec.key = kind;
        const SignedKey made = sign(files.make("server", spec, &authority));
        EXPECT_EQ(verdict(made), "") << kind;
        EXPECT_EQ(verdict(made, "127.0.0.1"), "") << kind;
        EXPECT_EQ(verdict(made, "::1"), "") << kind;
    }
}

TEST_F(SignedKeys, AnotherNonceKeyOrSignatureIsRefused) {
    const SignedKey made = sign(files.make("server", {.common_name = "server"}, &authority));
    const auto trust = client(authority);
    ASSERT_TRUE(verify_key(*trust, "localhost", nonce, key, made));
    EXPECT_FALSE(verify_key(*trust, "localhost", std::string(32, 'm'), key, made));
    EXPECT_FALSE(verify_key(*trust, "localhost", nonce, std::string(32, 'j'), made));
    for (std::size_t i = 0; i < made.signature.size(); ++i) {
        SignedKey changed = made;
        changed.signature[i] = static_cast<char>(changed.signature[i] ^ 1);
        EXPECT_FALSE(verify_key(*trust, "localhost", nonce, key, changed)) << i;
    }
    SignedKey none = made;
    none.signature.clear();
    EXPECT_NE(verdict(none), "");
}

TEST_F(SignedKeys, TheCertificateIsLookedAtAsForTls) {
    const auto stranger = files.authority("stranger");
    EXPECT_NE(verdict(sign(files.make("strange", {.common_name = "x"}, &stranger))), "");
    EXPECT_NE(verdict(sign(files.make("self", {.common_name = "x"}))), "");
    const SignedKey good = sign(files.make("good", {.common_name = "x"}, &authority));
    EXPECT_NE(verdict(good, "example.org"), "");
    EXPECT_NE(verdict(good, "127.0.0.2"), "");
    EXPECT_NE(verdict(good, ""), "");
    // The signature of one certificate behind the chain of another.
    SignedKey mixed = good;
    mixed.signature = sign(files.make("other", {.common_name = "x"}, &authority)).signature;
    EXPECT_NE(verdict(mixed).find("has not signed"), std::string::npos);
}

TEST_F(SignedKeys, CertificatesThatCannotBeReadAreRefused) {
    const SignedKey good = sign(files.make("good", {.common_name = "x"}, &authority));
    for (const std::string& bytes :
         {std::string(), std::string("\x30"), std::string("nonsense"), good.certificates + "x",
          good.certificates.substr(0, good.certificates.size() - 1)}) {
        EXPECT_NE(verdict({bytes, good.signature}), "");
    }
    SignedKey many = good;
    for (int i = 0; i < 20; ++i) many.certificates += good.certificates;
    EXPECT_NE(verdict(many), "");
}

}  // namespace
}  // namespace flare::transport::tls::test
