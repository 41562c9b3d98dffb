// Tokens that are good, and all the ways in which one is not.
#include "auth/jwt.hpp"
#include "support/tokens.hpp"

#include <gtest/gtest.h>

namespace flare::auth::test {
namespace {

using flare::test::Signer;
using flare::test::unix_seconds;
using namespace std::chrono_literals;

constexpr std::chrono::system_clock::time_point kNow{std::chrono::seconds(1'800'000'000)};
const std::string kSecret = "a secret of more than thirty-two bytes";

std::string at(std::chrono::seconds from_now) { return std::to_string(unix_seconds(kNow + from_now)); }

KeySet one(Checked<VerifyKey> key) {
    EXPECT_TRUE(key) << key.error().text;
    KeySet keys;
    if (key) keys.push_back(std::move(*key));
    return keys;
}

KeySet set_of(const std::string& keys) {
    std::vector<std::string> passed_over;
    auto read = keys_from_jwks("{\"keys\":[" + keys + "]}", passed_over);
    EXPECT_TRUE(read) << read.error().text;
    return read ? std::move(*read) : KeySet();
}

struct Jwt : ::testing::Test {
    Jwt() {
        rules.issuer = "https://issuer.example";
        rules.audience = {"chat", "chat-test"};
    }
    // The claims of a good token, and `more`.
    std::string claims(const std::string& more = {}) const {
        return R"({"sub":"ann","iss":"https://issuer.example","aud":"chat","exp":)" + at(600s) + more + "}";
    }
    Checked<Identity> check(const std::string& token) const { return verify_jwt(token, keys, rules, kNow); }
    // Why it is refused; and no piece of the token is told.
    std::string why(const std::string& token, errc code = errc::unauthenticated) const {
        const auto identity = check(token);
        EXPECT_FALSE(identity) << "taken: " << token;
        if (identity) return "taken";
        EXPECT_EQ(identity.error().code, code) << identity.error().text;
        for (std::size_t i = 0; i + 8 <= token.size(); ++i)
            EXPECT_EQ(identity.error().text.find(token.substr(i, 8)), std::string::npos) << identity.error().text;
        return identity.error().text;
    }

    JwtOptions rules;
    Signer hmac = Signer::secret(kSecret);
    KeySet keys = one(VerifyKey::secret(kSecret, ""));
};

TEST_F(Jwt, OfEachAlgorithmIsTaken) {
    for (const auto& [signer, algorithm] :
         {std::pair(Signer::rsa(), JwtAlgorithm::rs256), std::pair(Signer::ec(), JwtAlgorithm::es256),
          std::pair(Signer::ed25519(), JwtAlgorithm::eddsa)}) {
        keys = one(VerifyKey::pem(signer.public_pem(), algorithm, ""));
        const auto identity = check(signer.token(claims(R"(,"jti":"token-1")")));
        ASSERT_TRUE(identity) << signer.algorithm() << ": " << identity.error().text;
        EXPECT_EQ(identity->user, "ann");
        EXPECT_EQ(identity->expires, kNow + 600s + rules.clock_skew);
        EXPECT_EQ(identity->token_id, "token-1");
    }
    keys = one(VerifyKey::secret(kSecret, ""));
    const auto identity = check(hmac.token(claims()));
    ASSERT_TRUE(identity) << identity.error().text;
    EXPECT_EQ(identity->token_id, "");
}

TEST_F(Jwt, OfAPublishedExampleIsVerified) {
    // RFC 7515 appendix A.1 (HS256), appendix A.3 (ES256) and RFC 8037 appendix A.4 (Ed25519).
    const auto hs = set_of(R"({"kty":"oct","k":"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75)"
                           R"(aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow"})");
    EXPECT_TRUE(
        hs[0].verifies("eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAs"
                       "DQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ",
                       *from_base64url("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk")));
    const auto es = set_of(R"({"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",)"
                           R"("y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"})");
    EXPECT_TRUE(es[0].verifies(
        "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0"
        "cnVlfQ",
        *from_base64url("DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q")));
    const auto ed = set_of(R"({"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"})");
    EXPECT_TRUE(ed[0].verifies(
        "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc",
        *from_base64url("hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg")));
}

TEST_F(Jwt, CannotChooseItsAlgorithm) {
    EXPECT_NE(why(auth::to_base64url(R"({"alg":"none"})") + "." + auth::to_base64url(claims()) + "."), "taken");
    for (const char* name : {"none", "None", "NONE", "hs256", "HS384", "RS256", "PS256", "ES256K", ""}) {
        EXPECT_EQ(why(hmac.with_header(std::string(R"({"alg":")") + name + R"("})", claims())),
                  "the token's algorithm is not the one that its key is for")
            << name;
    }
    EXPECT_EQ(why(hmac.with_header("{}", claims())), "the token names no algorithm");
    EXPECT_EQ(why(hmac.with_header(R"({"alg":null})", claims())), "the token names no algorithm");
    EXPECT_EQ(why(hmac.with_header(R"({"alg":["HS256"]})", claims())), "the token names no algorithm");
}

TEST_F(Jwt, SignedWithThePublicKeyAsASecretIsRefused) {
    const Signer rsa = Signer::rsa();
    keys = one(VerifyKey::pem(rsa.public_pem(), JwtAlgorithm::rs256, ""));
    const Signer confused = Signer::secret(rsa.public_pem());
    EXPECT_EQ(why(confused.token(claims())), "the token's algorithm is not the one that its key is for");
    EXPECT_EQ(why(confused.with_header(R"({"alg":"RS256"})", claims())), "the token's signature is not valid");
    EXPECT_FALSE(VerifyKey::secret(rsa.public_pem(), "")) << "the operator cannot do it by mistake either";
}

TEST_F(Jwt, NamesAKeyThatThisServerHas) {
    const Signer a = Signer::ec();
    const Signer b = Signer::ec();
    keys = set_of(a.jwk(R"("kid":"a")") + "," + b.jwk(R"("kid":"b")"));
    EXPECT_TRUE(check(a.token(claims(), R"(,"kid":"a")")));
    const Signer rsa = Signer::rsa();
    keys = set_of(rsa.jwk(R"("kid":"a")") + "," + a.jwk(R"("kid":"a")"));
    EXPECT_TRUE(check(a.token(claims(), R"(,"kid":"a")"))) << "of two kinds with one name";
    EXPECT_TRUE(check(rsa.token(claims(), R"(,"kid":"a")")));
    keys = set_of(a.jwk(R"("kid":"a")") + "," + b.jwk(R"("kid":"b")"));
    EXPECT_TRUE(check(b.token(claims(), R"(,"kid":"b")")));
    EXPECT_EQ(why(a.token(claims(), R"(,"kid":"b")")), "the token's signature is not valid");
    EXPECT_EQ(why(a.token(claims(), R"(,"kid":"c")")), "the token is signed with a key that this server does not have");
    EXPECT_EQ(why(a.token(claims(), R"(,"kid":"")")), "the token is signed with a key that this server does not have");
    EXPECT_EQ(why(a.token(claims(), R"(,"kid":1)")), "the token's key id (kid) is not a string");
    EXPECT_EQ(why(a.token(claims())), "the token does not name its key, and this server has several");
    keys = set_of(a.jwk(R"("kid":"a")"));
    EXPECT_TRUE(check(a.token(claims()))) << "there is only one that it can be";
    EXPECT_NE(why(a.token(claims(), R"(,"kid":"b")")), "taken");
    keys = one(VerifyKey::pem(a.public_pem(), JwtAlgorithm::es256, ""));
    EXPECT_TRUE(check(a.token(claims(), R"(,"kid":"whatever")"))) << "a key without a name";
}

TEST_F(Jwt, BringsNoKeyOfItsOwn) {
    const Signer own = Signer::ec();
    keys = one(VerifyKey::pem(Signer::ec().public_pem(), JwtAlgorithm::es256, ""));
    EXPECT_EQ(why(own.token(claims(), ",\"jwk\":" + own.jwk(""))), "the token's signature is not valid");
    EXPECT_EQ(why(own.token(claims(), R"(,"jku":"https://elsewhere.example/keys")")),
              "the token's signature is not valid");
    keys = one(VerifyKey::secret(kSecret, ""));
    EXPECT_EQ(why(hmac.token(claims(), R"(,"crit":["b64"],"b64":false)")),
              "the token has a critical header (crit) that this server does not know");
}

TEST_F(Jwt, IsGoodInItsTimeOnly) {
    const auto with = [&](const std::string& times) {
        return hmac.token(R"({"sub":"ann","iss":"https://issuer.example","aud":"chat")" + times + "}");
    };
    EXPECT_EQ(why(with(",\"exp\":" + at(-60s)), errc::token_expired), "the token has expired; get a new one");
    EXPECT_TRUE(check(with(",\"exp\":" + at(-59s)))) << "within the skew";
    EXPECT_EQ(why(with("")), "the token has no expiry (exp)");
    const std::string exp = ",\"exp\":" + at(600s);
    EXPECT_TRUE(check(with(exp + ",\"nbf\":" + at(60s) + ",\"iat\":" + at(60s))));
    EXPECT_EQ(why(with(exp + ",\"nbf\":" + at(61s))), "the token is not valid yet");
    EXPECT_EQ(why(with(exp + ",\"iat\":" + at(61s))), "the token was issued in the future; is a clock wrong?");
    EXPECT_TRUE(check(with(",\"exp\":" + at(600s) + ".75"))) << "fractions are allowed";
    rules.clock_skew = 0s;
    EXPECT_EQ(why(with(",\"exp\":" + at(0s)), errc::token_expired), "the token has expired; get a new one");
    EXPECT_TRUE(check(with(",\"exp\":" + at(1s))));
    EXPECT_EQ(why(with(",\"exp\":" + at(kRevocationLife + 1s))),
              "the token is valid for longer than this server accepts");
    EXPECT_EQ(why(with(",\"exp\":99999999999")), "the token is valid for longer than this server accepts");
    rules.require_expiry = false;
    ASSERT_TRUE(check(with("")));
    EXPECT_EQ(check(with(""))->expires, std::chrono::system_clock::time_point::max());
}

TEST_F(Jwt, TimesThatAreNoneAreRefused) {
    for (const char* time : {"1e400", "1e300", "-1", "253402300800", "18446744073709551615", "\"1800000600\"", "true",
                             "[1800000600]", "{}"}) {
        for (const char* name : {"exp", "nbf", "iat"}) {
            const bool end = std::string(name) == "exp";
            const std::string token =
                hmac.token(R"({"sub":"ann","iss":"https://issuer.example","aud":"chat",)" +
                           (end ? std::string() : "\"exp\":" + at(600s) + ",") + '"' + name + "\":" + time + "}");
            EXPECT_NE(why(token), "taken") << name << " " << time;
        }
    }
}

TEST_F(Jwt, TimesInMillisecondsAreCalledThat) {
    for (const char* name : {"exp", "nbf", "iat"}) {
        const std::string end = std::string(name) == "exp" ? "" : ",\"exp\":" + at(600s);
        EXPECT_EQ(
            why(hmac.token(R"({"sub":"ann","iss":"https://issuer.example","aud":"chat")" + end + ",\"" + name +
                           "\":" + at(600s) + "000}")),
            "a time in the token (" + std::string(name) + ") counts milliseconds: it must count seconds (RFC 7519)");
    }
}

TEST_F(Jwt, NullIsAsIfAClaimWereNotThere) {
    EXPECT_TRUE(check(hmac.token(claims(R"(,"nbf":null,"iat":null,"jti":null)"), R"(,"kid":null,"crit":null)")));
    EXPECT_EQ(why(hmac.token(R"({"sub":"ann","exp":null,"iss":"https://issuer.example","aud":"chat"})")),
              "the token has no expiry (exp)");
    rules.audience.clear();
    EXPECT_TRUE(check(hmac.token(R"({"sub":"ann","iss":"https://issuer.example","aud":null,"exp":)" + at(600s) + "}")));
}

TEST_F(Jwt, IsForThisServerAndOfItsIssuer) {
    const std::string exp = ",\"exp\":" + at(600s);
    const auto with = [&](const std::string& issuer, const std::string& audience) {
        return hmac.token(R"({"sub":"ann")" + exp + issuer + audience + "}");
    };
    const std::string issuer = R"(,"iss":"https://issuer.example")";
    EXPECT_TRUE(check(with(issuer, R"(,"aud":["mail","chat-test"])")));
    for (const char* audience : {R"(,"aud":"mail")", R"(,"aud":["mail"])", R"(,"aud":[])", R"(,"aud":["chat",1])",
                                 R"(,"aud":{"chat":"chat"})", R"(,"aud":"cha")", ""}) {
        EXPECT_EQ(why(with(issuer, audience)), "the token is for another service (aud); get one for this one")
            << audience;
    }
    for (const char* other : {R"(,"iss":"https://issuer.example/")", R"(,"iss":["https://issuer.example"])", ""})
        EXPECT_EQ(why(with(other, R"(,"aud":"chat")")), "the token is from another issuer (iss)") << other;
    rules.audience.clear();
    rules.issuer.clear();
    EXPECT_TRUE(check(with("", "")));
    EXPECT_EQ(why(with("", R"(,"aud":"chat")")), "the token is for another service (aud); get one for this one")
        << "RFC 7519 section 4.1.3: who has no name is not meant";
}

TEST_F(Jwt, NamesAUser) {
    rules.user_claim = "uid";
    EXPECT_EQ(check(hmac.token(claims(R"(,"uid":"bob")")))->user, "bob");
    for (const auto& [user, text] : std::vector<std::pair<std::string, std::string>>{
             {"", "the token names no user (uid)"},
             {R"(,"uid":null)", "the token names no user (uid)"},
             {R"(,"uid":"")", "the token's user (uid) is empty"},
             {R"(,"uid":7)", "the token's user (uid) is a number: it must be a string, in quotation marks"},
             {R"(,"uid":["bob"])", "the token's user (uid) is not a string"},
             {R"(,"uid":true)", "the token's user (uid) is not a string"},
             {R"(,"uid":")" + std::string(257, 'x') + '"', "the token's user (uid) is longer than 256 bytes"}}) {
        EXPECT_EQ(why(hmac.token(claims(user))), text);
    }
    EXPECT_NE(why(hmac.token(claims(R"(,"uid":"bob","jti":7)"))), "taken");
    EXPECT_NE(why(hmac.token(claims(R"(,"uid":"bob","jti":")" + std::string(257, 'x') + '"'))), "taken");
}

TEST_F(Jwt, SaysNothingTwice) {
    EXPECT_EQ(why(hmac.token(claims(R"(,"sub":"eve")"))), "the token's claims: the string has a duplicate name");
    EXPECT_EQ(why(hmac.token(claims(",\"exp\":" + at(700s)))), "the token's claims: the string has a duplicate name");
    EXPECT_EQ(why(hmac.token(claims(R"(,"x":1,"\u0078":2)"))), "the token's claims: the string has a duplicate name");
    EXPECT_EQ(why(hmac.token(claims(), R"(,"alg":"none")")), "the token's header has a duplicate name");
    EXPECT_TRUE(check(hmac.token(claims(R"(,"x":{"sub":"eve","y":[{"sub":"eve"}]})")))) << "deeper down it is no claim";
}

TEST_F(Jwt, ThatIsDamagedAnywhereIsRefused) {
    const std::string token = hmac.token(claims());
    ASSERT_TRUE(check(token));
    for (std::size_t size = 0; size < token.size(); ++size) EXPECT_FALSE(check(token.substr(0, size))) << size;
    for (std::size_t i = 0; i < token.size(); ++i) {
        for (const char other : {'A', '.', '+', '/', '=', '\n', '\0', '\xff'}) {
            std::string damaged = token;
            if (damaged[i] == other) continue;
            damaged[i] = other;
            EXPECT_FALSE(check(damaged)) << i;
        }
    }
    for (const std::string& other : {token + ".", "." + token, token + ".x", token + "=", token + " ", token + "\n",
                                     std::string(), std::string("."), std::string(".."), std::string("...")})
        EXPECT_NE(why(other), "taken") << other;
    EXPECT_EQ(why(""), "there is no token");
    EXPECT_EQ(why(std::string(kMaxTokenBytes + 1, 'a')), "the token is too long");
    EXPECT_EQ(why(hmac.with_header("[]", claims())), "the token's header is not a JSON object");
    EXPECT_EQ(why(hmac.with_header(R"({"alg":"HS256")", claims())), "the token's header is not JSON");
    EXPECT_EQ(why(hmac.with_header(R"({"alg":"HS256"} )" + std::string(1024, ' '), claims())),
              "the token's header cannot be read");
    EXPECT_EQ(why(hmac.token("7")), "the token's claims: the string is not a JSON object");
    EXPECT_EQ(why(hmac.token(claims() + "{}")), "the token's claims: the string is not JSON");
    EXPECT_EQ(why(hmac.token(claims(R"(,"x":")"
                                    "\xff\""))),
              "the token's claims: the string is not JSON");
    EXPECT_EQ(why(hmac.token(claims(",\"x\":" + std::string(100, '[') + std::string(100, ']')))),
              "the token's claims: the string is not JSON");
}

TEST_F(Jwt, ASignatureHasOneFormOnly) {
    const Signer ec = Signer::ec();
    keys = one(VerifyKey::pem(ec.public_pem(), JwtAlgorithm::es256, ""));
    const std::string token = ec.token(claims());
    const std::size_t dot = token.rfind('.');
    const std::string signature = *from_base64url(token.substr(dot + 1));
    const auto with = [&](const std::string& other) { return token.substr(0, dot + 1) + to_base64url(other); };
    ASSERT_TRUE(check(with(signature)));
    EXPECT_NE(why(with(signature + '\0')), "taken");
    EXPECT_NE(why(with('\0' + signature)), "taken");
    EXPECT_NE(why(with(std::string(64, '\0'))), "taken") << "r = s = 0";
    EXPECT_NE(why(with("")), "taken");
    // The last character of 64 bytes has bits that mean nothing.
    std::string loose = token;
    loose.back() = static_cast<char>(loose.back() + 1);
    EXPECT_NE(why(loose), "taken");
}

}  // namespace
}  // namespace flare::auth::test
