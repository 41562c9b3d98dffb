#include "auth/key_file.hpp"

#include "base/file.hpp"
#include "base/log.hpp"

#include <algorithm>

namespace flare::auth {
namespace {

constexpr std::size_t kMaxKeyFileBytes = 256 * 1024;

}  // namespace

KeyFile::KeyFile(const JwtOptions& options)
    : path_(options.jwks_file.empty() ? options.key_file : options.jwks_file),
      what_(options.jwks_file.empty() ? "key_file" : "jwks_file"),
      algorithm_(options.jwks_file.empty() ? options.algorithm : std::nullopt),
      id_(options.key_id) {}

Checked<std::shared_ptr<KeyFile>> KeyFile::open(const JwtOptions& options) {
    const bool plain = !options.key_file.empty();
    const bool set = !options.jwks_file.empty();
    if (plain == set) return Failure(errc::invalid_config, "jwt_auth: needs either key_file or jwks_file");
    if (plain && !options.algorithm)
        return Failure(errc::invalid_config,
                       "jwt_auth: key_file needs an algorithm: HS256 for a secret, RS256, ES256 or EdDSA by its key");
    std::shared_ptr<KeyFile> made(new KeyFile(options));
    made->seen_ = made->stamp();
    auto keys = made->load();
    if (!keys) return Failure(keys.error().code, "jwt_auth: " + keys.error().text);
    made->keys_ = std::make_shared<const KeySet>(std::move(*keys));
    made->looked_at_ = std::chrono::steady_clock::now();
    return made;
}

Checked<KeySet> KeyFile::load() const {
    auto contents = base::read_text(path_, what_, kMaxKeyFileBytes);
    if (!contents) return contents.error();
    std::string& text = contents->bytes;
    const auto named = [&](const Failure& failure) {
        return Failure(failure.code, what_ + " " + path_ + ": " + failure.text);
    };
    if (!algorithm_) {
        std::vector<std::string> passed_over;
        auto keys = keys_from_jwks(text, passed_over);
        if (!keys) return named(keys.error());
        const auto is_secret = [](const VerifyKey& key) { return key.algorithm() == JwtAlgorithm::hs256; };
        if (contents->exposed && std::erase_if(*keys, is_secret) != 0) {
            if (keys->empty()) return *contents->exposed;
            passed_over.push_back("its secrets (oct): " + contents->exposed->text);
        }
        for (const std::string& each : passed_over)
            base::log().warn("{} {}: ignored, the other keys are used: {}", what_, path_, each);
        return keys;
    }
    if (*algorithm_ == JwtAlgorithm::hs256) {
        if (contents->exposed) return *contents->exposed;
        if (text.ends_with('\n')) text.pop_back();
        if (text.ends_with('\r')) text.pop_back();
    }
    auto key = *algorithm_ == JwtAlgorithm::hs256 ? VerifyKey::secret(std::move(text), id_)
                                                  : VerifyKey::pem(text, *algorithm_, id_);
    if (!key) return named(key.error());
    KeySet keys;
    keys.push_back(std::move(*key));
    return keys;
}

KeyFile::Stamp KeyFile::stamp() const noexcept {
    struct stat found {};
    if (::stat(path_.c_str(), &found) != 0) return {};
    return {found.st_mtim.tv_sec, found.st_mtim.tv_nsec, found.st_size, found.st_ino};
}

std::shared_ptr<const KeySet> KeyFile::keys() {
    const std::lock_guard lock(mutex_);
    const auto now = std::chrono::steady_clock::now();
    if (now - looked_at_ < kLookEvery) return keys_;
    looked_at_ = now;
    const Stamp found = stamp();  // before reading: a change while it is read is seen the next time
    if (found == seen_) return keys_;
    seen_ = found;
    auto keys = load();
    if (!keys) {
        base::log().warn("the previous keys stay in use: {}", keys.error().text);
        return keys_;
    }
    keys_ = std::make_shared<const KeySet>(std::move(*keys));
    base::log().info("{} {}: {} keys are in use", what_, path_, keys_->size());
    return keys_;
}

}  // namespace flare::auth
