// Keys that are good for nothing are found when they are read.
#include "auth/verify_key.hpp"
#include "support/tokens.hpp"

#include <gtest/gtest.h>

namespace flare::auth::test {
namespace {

using flare::test::Signer;

std::string why(const Checked<VerifyKey>& key) { return key ? "taken" : key.error().text; }
std::string why(const std::string& jwks) {
    std::vector<std::string> passed_over;
    const auto keys = keys_from_jwks(jwks, passed_over);
    return keys ? "taken " + std::to_string(keys->size()) : keys.error().text;
}
bool mentions(const std::string& text, const std::string& word) { return text.find(word) != std::string::npos; }

TEST(VerifyKey, FitsItsAlgorithm) {
    const Signer rsa = Signer::rsa();
    const Signer ec = Signer::ec();
    const Signer ed = Signer::ed25519();
    EXPECT_EQ(why(VerifyKey::pem(ec.public_pem(), JwtAlgorithm::rs256, "")), "RS256 needs an RSA key");
    EXPECT_EQ(why(VerifyKey::pem(rsa.public_pem(), JwtAlgorithm::es256, "")),
              "ES256 needs an EC key on the curve P-256");
    EXPECT_EQ(why(VerifyKey::pem(Signer::ec("P-384").public_pem(), JwtAlgorithm::es256, "")),
              "ES256 needs an EC key on the curve P-256");
    EXPECT_EQ(why(VerifyKey::pem(ec.public_pem(), JwtAlgorithm::eddsa, "")), "EdDSA needs an Ed25519 key");
    EXPECT_EQ(why(VerifyKey::pem(ed.public_pem(), JwtAlgorithm::hs256, "")), "HS256 needs a secret, not a public key");
    EXPECT_TRUE(mentions(why(VerifyKey::pem(Signer::rsa(1024).public_pem(), JwtAlgorithm::rs256, "")), "1024"));
}

TEST(VerifyKey, IsAPublicOneOrALongSecret) {
    const Signer ec = Signer::ec();
    EXPECT_TRUE(mentions(why(VerifyKey::pem(ec.private_pem(), JwtAlgorithm::es256, "")), "private key"));
    EXPECT_TRUE(mentions(why(VerifyKey::pem("", JwtAlgorithm::es256, "")), "no PEM public key"));
    std::string cut = ec.public_pem();
    cut.resize(cut.size() / 2);
    EXPECT_TRUE(mentions(why(VerifyKey::pem(cut, JwtAlgorithm::es256, "")), "no PEM public key"));
    EXPECT_TRUE(mentions(why(VerifyKey::secret(std::string(31, 'x'), "")), "31 bytes"));
    EXPECT_EQ(why(VerifyKey::secret(std::string(32, 'x'), "")), "taken");
}

TEST(VerifyKey, SetsAreReadAndOtherKindsPassedOver) {
    const std::string four = Signer::rsa().jwk(R"("kid":"1")") + "," + Signer::ec().jwk(R"("kid":"2","use":"sig")") +
                             "," + Signer::ed25519().jwk(R"("kid":"3","alg":"EdDSA")") + "," +
                             Signer::secret(std::string(32, 's')).jwk(R"("kid":"4","alg":"HS256")");
    const std::string others = R"({"kty":"EC","crv":"P-384","kid":"5"},{"kty":"X"},{},{"kty":"OKP","crv":"X25519"},)" +
                               Signer::rsa().jwk(R"("kid":"6","alg":"PS256")") + "," +
                               Signer::rsa().jwk(R"("kid":"7","use":"enc")");
    std::vector<std::string> passed_over;
    const auto keys = keys_from_jwks("{\"keys\":[" + four + "," + others + "]}", passed_over);
    EXPECT_TRUE(passed_over.empty()) << "they are for something else: " << passed_over.front();
    ASSERT_TRUE(keys) << keys.error().text;
    ASSERT_EQ(keys->size(), 4u);
    EXPECT_EQ((*keys)[0].algorithm(), JwtAlgorithm::rs256);
    EXPECT_EQ((*keys)[1].algorithm(), JwtAlgorithm::es256);
    EXPECT_EQ((*keys)[2].algorithm(), JwtAlgorithm::eddsa);
    EXPECT_EQ((*keys)[3].algorithm(), JwtAlgorithm::hs256);
    EXPECT_EQ((*keys)[3].id(), "4");
}

TEST(VerifyKey, SetsThatAreWrongAreRefused) {
    EXPECT_TRUE(mentions(why("{"), "not JSON"));
    EXPECT_TRUE(mentions(why("[]"), "not a JSON Web Key Set"));
    EXPECT_TRUE(mentions(why(R"({"keys":{}})"), "not a JSON Web Key Set"));
    EXPECT_TRUE(mentions(why(R"({"keys":[]})"), "no key"));
    EXPECT_TRUE(mentions(why(R"({"keys":[7]})"), "keys[0]"));
    for (const char* bad : {R"({"kty":"OKP","crv":"Ed25519","x":"AAAA"})", R"({"kty":"OKP","crv":"Ed25519"})",
                            R"({"kty":"RSA","n":"AQAB","e":"AQAB"})", R"({"kty":"RSA","n":"","e":"AQAB"})",
                            R"({"kty":"EC","crv":"P-256","x":"AA","y":"AA"})",
                            R"({"kty":"EC","crv":"P-256","x":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",)"
                            R"("y":"AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE"})",
                            R"({"kty":"oct","k":"c2hvcnQ"})", R"({"kty":"oct","k":"+/=="})"}) {
        EXPECT_TRUE(mentions(why(std::string("{\"keys\":[") + bad + "]}"), "keys[0]: ")) << bad;
    }
}

// RFC 7517 section 5: what cannot be used is ignored.
TEST(VerifyKey, OneThatIsUnusableTakesNoOtherWithIt) {
    const std::string good = Signer::ed25519().jwk(R"("kid":"a")");
    for (const auto& [bad, named] : std::vector<std::pair<std::string, std::string>>{
             {"7", "is not an object"},
             {"null", "is not an object"},
             {R"({"kty":"OKP","crv":"Ed25519","x":"AAAA"})", "x must have 32 bytes"},
             {R"({"kty":"RSA","n":"AQAB","e":"AQAB"})", "bits"},
             {R"({"kty":"oct","k":"c2hvcnQ"})", "at least 32"},
             {R"({"kty":5})", "its kty is not a string"},
             {R"({"kty":"oct","kid":5,"k":"AAAA"})", "its kid is not a string"},
             {good, "has the same key id (kid) as an earlier key"},
             {Signer::rsa().jwk("\"kid\":\"" + std::string(257, 'k') + "\""), "longer than 256"}}) {
        std::vector<std::string> passed_over;
        const auto keys = keys_from_jwks("{\"keys\":[" + good + "," + bad + "]}", passed_over);
        ASSERT_TRUE(keys) << bad << ": " << keys.error().text;
        EXPECT_EQ(keys->size(), 1u) << bad;
        ASSERT_EQ(passed_over.size(), 1u) << bad;
        EXPECT_TRUE(mentions(passed_over.front(), "keys[1]: ") && mentions(passed_over.front(), named))
            << passed_over.front();
    }
    std::vector<std::string> passed_over;
    const auto alone =
        keys_from_jwks("{\"keys\":[" + Signer::ed25519().jwk("") + "," + Signer::ed25519().jwk("") + "]}", passed_over);
    EXPECT_EQ(alone->size(), 1u);
    EXPECT_TRUE(mentions(passed_over.at(0), "neither has an earlier key"));
}

TEST(VerifyKey, NullIsAsIfAMemberWereNotThere) {
    std::vector<std::string> passed_over;
    const auto keys = keys_from_jwks(
        "{\"keys\":[" + Signer::ed25519().jwk(R"("kid":null,"use":null,"alg":null,"key_ops":null)") + "]}",
        passed_over);
    ASSERT_TRUE(keys) << keys.error().text;
    EXPECT_EQ(keys->front().id(), "");
    EXPECT_TRUE(passed_over.empty());
}

TEST(VerifyKey, KeysOfTwoKindsMayShareAName) {
    std::vector<std::string> passed_over;
    const auto keys = keys_from_jwks(
        "{\"keys\":[" + Signer::rsa().jwk(R"("kid":"a")") + "," + Signer::ec().jwk(R"("kid":"a")") + "]}", passed_over);
    ASSERT_TRUE(keys) << keys.error().text;
    EXPECT_EQ(keys->size(), 2u);
    EXPECT_TRUE(passed_over.empty());
}

}  // namespace
}  // namespace flare::auth::test
