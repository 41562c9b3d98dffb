// JSON Web Key Sets. The file is the operator's, so it is read with an ordinary parser; what its keys are is checked
// all the same, as it often comes from somebody else.
#include "auth/base64url.hpp"
#include "auth/verify_key.hpp"
#include "base/json/member.hpp"
#include "base/owned.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>

#include <algorithm>
#include <optional>

namespace flare::auth {
namespace json = boost::json;

// Makes VerifyKeys of JSON objects.
class Jwks {
public:
    // Nothing: a key for something else, which is passed over.
    static Checked<std::optional<VerifyKey>> key(const json::object& jwk);

private:
    static Checked<VerifyKey> rsa(const json::object& jwk, std::string id);
    static Checked<VerifyKey> p256(const json::object& jwk, std::string id);
    static Checked<VerifyKey> ed25519(const json::object& jwk, std::string id);
    static Checked<VerifyKey> oct(const json::object& jwk, std::string id);
};

namespace {

using Number = base::Owned<BIGNUM, BN_free>;
using Builder = base::Owned<OSSL_PARAM_BLD, OSSL_PARAM_BLD_free>;
using Parameters = base::Owned<OSSL_PARAM, OSSL_PARAM_free>;
using Context = base::Owned<EVP_PKEY_CTX, EVP_PKEY_CTX_free>;

constexpr std::size_t kMaxKeys = 256;
constexpr std::size_t kMaxIdBytes = 256;

Failure wrong(const std::string& why) { return {errc::invalid_config, why}; }

std::string text_of(const json::object& jwk, std::string_view name) {
    const json::value* const value = base::json_member(jwk, name);
    return value != nullptr && value->is_string() ? std::string(value->get_string().data(), value->get_string().size())
                                                  : std::string();
}

// Empty: missing, or not base64url.
std::string bytes_of(const json::object& jwk, std::string_view name) {
    return from_base64url(text_of(jwk, name)).value_or(std::string());
}

// A member that decides what a key is for, and is no text: nobody can tell what it is for.
std::optional<std::string> unreadable(const json::object& jwk) {
    for (const std::string_view name : {"kty", "crv", "use", "alg", "kid"}) {
        const json::value* const value = base::json_member(jwk, name);
        if (value != nullptr && !value->is_string()) return "its " + std::string(name) + " is not a string";
    }
    return std::nullopt;
}

// RFC 7517 section 4.3. A key that does not say may be used for anything.
bool may_verify(const json::object& jwk) {
    const json::value* const operations = base::json_member(jwk, "key_ops");
    if (operations == nullptr || !operations->is_array()) return true;
    const json::array& all = operations->get_array();
    return std::any_of(all.begin(), all.end(),
                       [](const json::value& each) { return each.is_string() && each.get_string() == "verify"; });
}

const unsigned char* raw(const std::string& bytes) { return reinterpret_cast<const unsigned char*>(bytes.data()); }

// Null: OpenSSL does not take them for a key.
std::shared_ptr<EVP_PKEY> from_parameters(const char* type, const Builder& builder) {
    const Parameters parameters(OSSL_PARAM_BLD_to_param(builder.get()));
    const Context context(EVP_PKEY_CTX_new_from_name(nullptr, type, nullptr));
    EVP_PKEY* key = nullptr;
    if (parameters == nullptr || context == nullptr || EVP_PKEY_fromdata_init(context.get()) != 1 ||
        EVP_PKEY_fromdata(context.get(), &key, EVP_PKEY_PUBLIC_KEY, parameters.get()) != 1) {
        ERR_clear_error();
        return nullptr;
    }
    return {key, EVP_PKEY_free};
}

}  // namespace

Checked<VerifyKey> Jwks::rsa(const json::object& jwk, std::string id) {
    const std::string n = bytes_of(jwk, "n");
    const std::string e = bytes_of(jwk, "e");
    if (n.empty() || e.empty() || n.size() > 1024 || e.size() > 8) return wrong("n or e is missing or unusable");
    const Number modulus(BN_bin2bn(raw(n), static_cast<int>(n.size()), nullptr));
    const Number exponent(BN_bin2bn(raw(e), static_cast<int>(e.size()), nullptr));
    const Builder builder(OSSL_PARAM_BLD_new());
    if (builder == nullptr || OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_N, modulus.get()) != 1 ||
        OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_E, exponent.get()) != 1)
        return wrong("out of memory");
    auto key = from_parameters("RSA", builder);
    if (key == nullptr) return wrong("n and e are not an RSA key");
    return VerifyKey::made(std::move(key), JwtAlgorithm::rs256, std::move(id));
}

Checked<VerifyKey> Jwks::p256(const json::object& jwk, std::string id) {
    const std::string x = bytes_of(jwk, "x");
    const std::string y = bytes_of(jwk, "y");
    if (x.size() != 32 || y.size() != 32) return wrong("x and y must have 32 bytes each");
    const std::string point = "\x04" + x + y;
    const Builder builder(OSSL_PARAM_BLD_new());
    if (builder == nullptr ||
        OSSL_PARAM_BLD_push_utf8_string(builder.get(), OSSL_PKEY_PARAM_GROUP_NAME, "prime256v1", 0) != 1 ||
        OSSL_PARAM_BLD_push_octet_string(builder.get(), OSSL_PKEY_PARAM_PUB_KEY, point.data(), point.size()) != 1)
        return wrong("out of memory");
    auto key = from_parameters("EC", builder);
    if (key == nullptr) return wrong("x and y are not a point on the curve");
    return VerifyKey::made(std::move(key), JwtAlgorithm::es256, std::move(id));
}

Checked<VerifyKey> Jwks::ed25519(const json::object& jwk, std::string id) {
    const std::string x = bytes_of(jwk, "x");
    if (x.size() != 32) return wrong("x must have 32 bytes");
    EVP_PKEY* const key = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, raw(x), x.size());
    ERR_clear_error();
    if (key == nullptr) return wrong("x is not an Ed25519 key");
    return VerifyKey::made(std::shared_ptr<EVP_PKEY>(key, EVP_PKEY_free), JwtAlgorithm::eddsa, std::move(id));
}

Checked<VerifyKey> Jwks::oct(const json::object& jwk, std::string id) {
    std::string secret = bytes_of(jwk, "k");
    if (secret.empty()) return wrong("k is missing or unusable");
    return VerifyKey::secret(std::move(secret), std::move(id));
}

Checked<std::optional<VerifyKey>> Jwks::key(const json::object& jwk) {
    if (auto why = unreadable(jwk)) return wrong(*why);
    const std::string kind = text_of(jwk, "kty");
    const std::string curve = text_of(jwk, "crv");
    const std::string use = text_of(jwk, "use");
    const std::string named = text_of(jwk, "alg");
    std::string id = text_of(jwk, "kid");
    if (id.size() > kMaxIdBytes) return wrong("its kid is longer than 256 bytes");
    if ((!use.empty() && use != "sig") || !may_verify(jwk)) return std::optional<VerifyKey>();
    Checked<VerifyKey> (*make)(const json::object&, std::string) = nullptr;
    JwtAlgorithm bound = JwtAlgorithm::hs256;
    if (kind == "RSA") {
        make = rsa, bound = JwtAlgorithm::rs256;
    } else if (kind == "EC" && curve == "P-256") {
        make = p256, bound = JwtAlgorithm::es256;
    } else if (kind == "OKP" && curve == "Ed25519") {
        make = ed25519, bound = JwtAlgorithm::eddsa;
    } else if (kind == "oct") {
        make = oct, bound = JwtAlgorithm::hs256;
    }
    // A key for another algorithm of the same kind (PS256, say) is one for something else.
    if (make == nullptr || (!named.empty() && named != jose_name(bound))) return std::optional<VerifyKey>();
    auto made = make(jwk, std::move(id));
    if (!made) return made.error();
    return std::optional<VerifyKey>(std::move(*made));
}

namespace {

// Why a good key has no place beside those that are there; empty: it has one.
std::string clash(const KeySet& keys, const VerifyKey& key) {
    if (keys.size() >= kMaxKeys) return "exceeds the 256 keys that one file may hold";
    for (const VerifyKey& each : keys) {
        if (each.id() != key.id()) continue;
        if (key.id().empty()) return "has no key id (kid), and neither has an earlier key";
        if (each.algorithm() == key.algorithm()) return "has the same key id (kid) as an earlier key";
    }
    return {};
}

}  // namespace

Checked<KeySet> keys_from_jwks(std::string_view text, std::vector<std::string>& passed_over) {
    boost::system::error_code error;
    const json::value document = json::parse({text.data(), text.size()}, error);
    if (error) return wrong("the file is not JSON: " + error.message());
    const json::value* const list = document.is_object() ? base::json_member(document.get_object(), "keys") : nullptr;
    if (list == nullptr || !list->is_array())
        return wrong("the file is not a JSON Web Key Set: it must be an object with an array `keys`");
    KeySet keys;
    for (std::size_t at = 0; at < list->get_array().size(); ++at) {
        const json::value& each = list->get_array()[at];
        const std::string place = "keys[" + std::to_string(at) + "]: ";
        auto key = each.is_object() ? Jwks::key(each.get_object())
                                    : Checked<std::optional<VerifyKey>>(wrong("is not an object"));
        if (!key) {
            passed_over.push_back(place + key.error().text);
        } else if (*key) {
            if (std::string why = clash(keys, **key); !why.empty()) {
                passed_over.push_back(place + why);
            } else {
                keys.push_back(std::move(**key));
            }
        }
    }
    if (!keys.empty()) return keys;
    return wrong(passed_over.empty() ? "the file holds no key for HS256, RS256, ES256 or EdDSA signatures"
                                     : "the file holds no usable key: " + passed_over.front());
}

}  // namespace flare::auth
