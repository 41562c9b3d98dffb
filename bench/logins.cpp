#include "logins.hpp"

#include "base/file.hpp"

#include <sstream>
#include <stdexcept>

namespace flare::bench {
namespace {

constexpr std::size_t kMaxBytes = 16 * 1024 * 1024;

}  // namespace

Logins Logins::read(const std::string& path) {
    const auto text = base::read_text(path, "--token-file", kMaxBytes, base::Access::secret);
    if (!text) throw std::runtime_error(text.error().text);
    Logins made;
    std::istringstream lines(*text);
    std::size_t number = 0;
    for (std::string line; std::getline(lines, line);) {
        ++number;
        std::istringstream words(line);
        Login login;
        words >> login.token >> login.user;
        if (login.token.empty() || login.token.front() == '#') continue;
        if (login.user.empty())
            throw std::runtime_error("--token-file " + path + ": line " + std::to_string(number) +
                                     ": write TOKEN USER, one of them for each session");
        made.logins_.push_back(std::move(login));
    }
    if (made.logins_.empty()) throw std::runtime_error("--token-file " + path + ": contains no token");
    return made;
}

std::string Logins::user_of(std::size_t index) const {
    return logins_.empty() ? "load" + std::to_string(index) : logins_[index % logins_.size()].user;
}

std::string Logins::token_of(std::size_t index) const {
    return logins_.empty() ? std::string() : logins_[index % logins_.size()].token;
}

}  // namespace flare::bench
