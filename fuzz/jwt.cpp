// Tokens from anybody. The input is `1 token`: the token as it is, to be verified with keys of all kinds; or `2 text`:
// claims, to which the target adds a header and a good signature, so that the reader of claims is reached.
#include "auth/jwt.hpp"
#include "auth/base64url.hpp"
#include "base/crypto.hpp"

#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

namespace {

using namespace flare;
using namespace flare::auth;

void require(bool holds) {
    if (!holds) std::abort();
}

constexpr std::chrono::system_clock::time_point kNow{std::chrono::seconds(1'800'000'000)};
const std::string kSecret = "the secret of the fuzz target, which is none";

// One of each algorithm; the signatures of the seeds fit the keys of RFC 7515 and RFC 8037.
const KeySet& keys() {
    static const KeySet made = [] {
        std::vector<std::string> passed_over;
        auto read = keys_from_jwks(
            R"({"keys":[{"kty":"OKP","crv":"Ed25519","kid":"ed","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"},)"
            R"({"kty":"EC","crv":"P-256","kid":"ec","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",)"
            R"("y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"},)"
            R"({"kty":"RSA","kid":"rsa","e":"AQAB","n":")"
            "mNxV9uG72uj4WqSAH0O157k-MpMOVpjtJZdtEjmAwk_rV3Phk5enTzIqXGAl5vKFV4ANbSF7ZQCaBy1bAGmFkSwGAh"
            "EKKnVnl3H4ZpzSPI26cijIpZgSoEsfScPJ-YrEV6cqcbkLihf-yaCIOfzI8fqycQKEBCUBhq2p4nkn_14djqnh5epY"
            "zjJ4owR0X60ns5vVKfMW_YQ9xIXmKyJoZ2ARDQn3tiaOtePEtx-ZCnOew16zKmUCZG0sgZ_DmUV7FaxUCGF_HPnLsv"
            "JByjVOjfayimpkULdFomzt43pZfJkuS18ILlzqO8fo09l6xgFCFXl_TdFnDeGhwNOElU55CQ"
            R"("}]})",
            passed_over);
        require(read.has_value() && passed_over.empty());
        read->push_back(*VerifyKey::secret(kSecret, "hmac"));
        return *read;
    }();
    return made;
}

JwtOptions rules() {
    JwtOptions made;
    made.audience = {"chat"};
    return made;
}

// What is told of a refusal is made of words of ours.
void check(std::string_view token) {
    const auto identity = verify_jwt(token, keys(), rules(), kNow);
    if (identity) {
        require(!identity->user.empty() && identity->user.size() <= 256 && identity->expires > kNow);
        return;
    }
    require(identity.error().code == errc::unauthenticated || identity.error().code == errc::token_expired);
    require(!identity.error().text.empty() && identity.error().text.size() < 120);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view input(reinterpret_cast<const char*>(data), size);
    if (input.starts_with("1 ")) {
        check(input.substr(2));
    } else if (input.starts_with("2 ")) {
        const std::string text = to_base64url(R"({"alg":"HS256","kid":"hmac"})") + "." + to_base64url(input.substr(2));
        check(text + "." + to_base64url(base::hmac_sha256(kSecret, text)));
    } else {
        std::vector<std::string> passed_over;
        if (const auto keys_of_input = keys_from_jwks(input, passed_over)) require(!keys_of_input->empty());
        for (const auto& text : passed_over) require(!text.empty());
    }
    return 0;
}
