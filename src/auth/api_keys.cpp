#include "auth/api_keys.hpp"

#include "auth/base64url.hpp"
#include "base/crypto.hpp"
#include "base/file.hpp"
#include "base/rfc3339.hpp"

#include <algorithm>
#include <utility>

namespace flare::auth {
namespace {

constexpr std::array<std::string_view, Scopes::kGroups> kGroupNames{"messages", "conversations", "members",
                                                                    "users",    "signals",       "system"};
constexpr std::string_view kPrefix = "flare_";
constexpr std::size_t kIdSize = 8;
constexpr std::size_t kSecretBytes = 32;
constexpr std::string_view kIdLetters = "abcdefghijklmnopqrstuvwxyz234567";  // base32 (RFC 4648), lower case

std::string_view next_word(std::string_view& text) {
    text.remove_prefix(std::min(text.find_first_not_of(" \t"), text.size()));
    const std::string_view word = text.substr(0, text.find_first_of(" \t"));
    text.remove_prefix(word.size());
    return word;
}

bool is_id(std::string_view text) noexcept {
    return text.size() == kIdSize && std::ranges::all_of(text, [](char each) {
               return (each >= 'a' && each <= 'z') || (each >= '0' && each <= '9');
           });
}

std::string to_hex(const std::array<std::uint8_t, 32>& bytes) {
    constexpr std::string_view kDigits = "0123456789abcdef";
    std::string text;
    for (const std::uint8_t byte : bytes) {
        text += kDigits[byte >> 4];
        text += kDigits[byte & 15];
    }
    return text;
}

bool from_hex(std::string_view text, std::array<std::uint8_t, 32>& bytes) noexcept {
    if (text.size() != 2 * bytes.size()) return false;
    const auto value = [](char digit) {
        if (digit >= '0' && digit <= '9') return digit - '0';
        return digit >= 'a' && digit <= 'f' ? digit - 'a' + 10 : -1;
    };
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        const int high = value(text[2 * i]);
        const int low = value(text[2 * i + 1]);
        if (high < 0 || low < 0) return false;
        bytes[i] = static_cast<std::uint8_t>(high * 16 + low);
    }
    return true;
}

Failure invalid(std::string text) { return {errc::invalid_config, std::move(text)}; }

}  // namespace

// ---- scopes ----

std::string scope_name(Scopes::Group group, bool writes) {
    return std::string(kGroupNames[static_cast<std::size_t>(group)]) + (writes ? ":write" : ":read");
}

Checked<Scopes> Scopes::parse(std::string_view text) {
    if (text == "*") return all();
    Scopes scopes;
    for (;;) {
        const std::string_view word = text.substr(0, text.find_first_of(",+"));
        bool known = false;
        for (std::size_t i = 0; i < kGroups; ++i) {
            for (const bool writes : {false, true}) {
                if (word != scope_name(static_cast<Group>(i), writes)) continue;
                scopes.add(static_cast<Group>(i), writes);
                known = true;
            }
        }
        if (!known) {
            return invalid("no scope is called \"" + std::string(word.substr(0, 64)) +
                           "\": use messages, conversations, members, users, signals or system, each with :read or "
                           ":write, with commas or plus signs between; or *");
        }
        if (word.size() == text.size()) return scopes;
        text.remove_prefix(word.size() + 1);
    }
}

std::string Scopes::text() const {
    if (*this == all()) return "*";
    std::string text;
    for (std::size_t i = 0; i < kGroups; ++i) {
        for (const bool writes : {false, true}) {
            if (!has(static_cast<Group>(i), writes)) continue;
            text += (text.empty() ? "" : ",") + scope_name(static_cast<Group>(i), writes);
        }
    }
    return text;
}

// ---- lines ----

std::string to_line(const ApiKey& key) {
    std::string line = key.id + " " + to_hex(key.hash) + " " + key.scopes.text();
    if (key.until) line += " until=" + base::to_rfc3339(*key.until);
    if (!key.note.empty()) line += " # " + key.note;
    return line;
}

Checked<ApiKey> api_key_from_line(std::string_view line) {
    ApiKey key;
    if (const std::size_t note = line.find('#'); note != std::string_view::npos) {
        std::string_view text = line.substr(note + 1);
        text.remove_prefix(std::min(text.find_first_not_of(" \t"), text.size()));
        key.note = text;
        line = line.substr(0, note);
    }
    key.id = next_word(line);
    if (!is_id(key.id)) return invalid("a key begins with its id, 8 lower-case letters or digits");
    if (!from_hex(next_word(line), key.hash))
        return invalid("the second word of a key is the SHA-256 of its secret, 64 digits from 0 to f");
    auto scopes = Scopes::parse(next_word(line));
    if (!scopes) return scopes.error();
    key.scopes = *scopes;
    std::string_view word = next_word(line);
    constexpr std::string_view kUntil = "until=";
    if (word.starts_with(kUntil)) {
        key.until = base::from_rfc3339(word.substr(kUntil.size()));
        if (!key.until) return invalid("until= needs a time like 2027-01-01T00:00:00Z");
        word = next_word(line);
    }
    if (!word.empty()) return invalid("behind the scopes there may be until=TIME and a note that begins with #");
    return key;
}

NewApiKey make_api_key(Scopes scopes, base::Random& random) {
    NewApiKey made;
    for (const char byte : random.bytes(kIdSize))
        made.key.id += kIdLetters[static_cast<unsigned char>(byte) % kIdLetters.size()];
    const std::string secret = to_base64url(random.bytes(kSecretBytes));
    made.key.hash = base::sha256(secret);
    made.key.scopes = scopes;
    made.secret = std::string(kPrefix) + made.key.id + "_" + secret;
    return made;
}

Checked<ApiKeyList> parse_api_keys(std::string_view text) {
    ApiKeyList keys;
    for (std::size_t number = 1; !text.empty(); ++number) {
        const std::size_t end = text.find('\n');
        std::string_view line = text.substr(0, end);
        text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
        if (line.ends_with('\r')) line.remove_suffix(1);
        const std::size_t first = line.find_first_not_of(" \t");
        if (first == std::string_view::npos || line[first] == '#') continue;
        const auto wrong = [number](const std::string& what) {
            return invalid("line " + std::to_string(number) + ": " + what);
        };
        auto key = api_key_from_line(line);
        if (!key) return wrong(key.error().text);
        if (std::ranges::find(keys, key->id, &ApiKey::id) != keys.end())
            return wrong("the id " + key->id + " is there already: each key needs its own");
        if (keys.size() == kMaxApiKeys) return wrong("there are more than 1000 keys: take away those that are over");
        keys.push_back(std::move(*key));
    }
    return keys;
}

Checked<ApiKeyList> read_api_keys(const std::string& path) {
    const auto text = base::read_text(path, "api_keys_file", kMaxApiKeyFileBytes, base::Access::secret);
    if (!text) return text.error();
    auto keys = parse_api_keys(*text);
    if (!keys) return Failure(keys.error().code, "api_keys_file " + path + ": " + keys.error().text);
    return keys;
}

// ---- checking ----

std::shared_ptr<const ApiKeyList> ApiKeys::list() const {
    const std::lock_guard lock(mutex_);
    return keys_;
}

void ApiKeys::replace(ApiKeyList keys) {
    auto made = std::make_shared<const ApiKeyList>(std::move(keys));
    const std::lock_guard lock(mutex_);
    keys_.swap(made);
}

ApiKeys::Verdict ApiKeys::check(std::string_view authorization, std::chrono::system_clock::time_point now) const {
    if (authorization.empty()) return {std::nullopt, Wrong::missing};
    const std::string_view scheme = next_word(authorization);
    std::string_view token = next_word(authorization);
    const bool bearer =
        scheme.size() == 6 && std::ranges::equal(scheme, std::string_view("bearer"), [](char a, char b) {
            return (a >= 'A' && a <= 'Z' ? static_cast<char>(a + 32) : a) == b;
        });
    const bool shaped =
        token.size() > kPrefix.size() + kIdSize && token.starts_with(kPrefix) && token[kPrefix.size() + kIdSize] == '_';
    if (!bearer || !shaped) return {std::nullopt, Wrong::malformed};
    token.remove_prefix(kPrefix.size());
    const std::string_view id = token.substr(0, kIdSize);
    const base::Key hash = base::sha256(token.substr(kIdSize + 1));
    const auto keys = list();
    const auto found = std::ranges::find(*keys, id, [](const ApiKey& each) { return std::string_view(each.id); });
    static constexpr base::Key kNobodys{};
    const bool same =
        base::equal_constant_time(base::view(found == keys->end() ? kNobodys : found->hash), base::view(hash));
    if (found == keys->end() || !same) return {std::nullopt, Wrong::unknown};
    if (found->is_over(now)) return {std::nullopt, Wrong::over};
    return {*found};
}

}  // namespace flare::auth
