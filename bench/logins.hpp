// Who the sessions of a load are, where a server does not take anybody's word.
//
// Threads: values.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace flare::bench {

struct Login {
    std::string token;
    std::string user;
};

// Lines of TOKEN USER, as the ready server's tokens_file has them; what follows, empty lines and those that begin with
// # are passed over. The sessions take them in turn. Throws std::runtime_error: what is wrong, without a token in it.
class Logins {
public:
    Logins() = default;
    static Logins read(const std::string& path);

    std::size_t size() const noexcept { return logins_.size(); }
    // Without any login "load7", who has no token.
    std::string user_of(std::size_t index) const;
    std::string token_of(std::size_t index) const;

private:
    std::vector<Login> logins_;
};

}  // namespace flare::bench
