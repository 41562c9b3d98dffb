// Ready-made authentication handlers that ServerBuilder recognizes.
//
// Threads: any.
#pragma once

#include <flare/server.hpp>

namespace flare::server {

// Everybody at their word: there is nothing to ask.
struct AnonymousAuth {
    Checked<Identity> operator()(const AuthRequest& request) const { return Identity(request.claimed_user); }
};

// What jwt_auth() and http_auth() make of options that cannot be used: build() fails with `failure`. Inside of a
// handler of the application's own it refuses everybody.
struct BrokenAuth {
    Failure failure;
    Checked<Identity> operator()(const AuthRequest&) const {
        return Failure(errc::internal, "authentication failed inside the server");
    }
};
struct BrokenAsyncAuth {
    Failure failure;
    Task<Checked<Identity>> operator()(AuthRequest) const {
        co_return Checked<Identity>(Failure(errc::internal, "authentication failed inside the server"));
    }
};

}  // namespace flare::server
