// Answers to calls with an Idempotency-Key in the store, so that they outlive the process.
//
// Protocol: draft-ietf-httpapi-idempotency-key-header-06; docs/store.md, "For back-ends".
// Threads:  any.
// Owner:    ApiService, until the store has been stopped.
#pragma once

#include "store/store.hpp"
#include "transport/http/request.hpp"

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace flare::server::api {

class KeptAnswers final : public store::BatchOwner {
public:
    static constexpr std::size_t kMostBytes = 64 * 1024;  // of a body; longer ones are in memory only

    explicit KeptAnswers(store::Store& store) : store_(store) {}

    // `key`: what it is a repeat by; `asked`: 32 bytes, the same for the same request alone.
    struct Found {
        bool same = false;  // it answers this request, and not another one
        transport::http::Response response{};
    };
    // `then` is called once, on a thread of the store or on this one: with what was kept; nothing: nothing was, as far
    // as anybody knows.
    using Then = std::function<void(std::optional<Found> found)>;
    void find(const std::string& key, std::string asked, Then then);
    // Nobody waits. What cannot be kept is in memory only.
    void keep(const std::string& key, std::string_view asked, const transport::http::Response& response);

private:
    void done(std::unique_ptr<store::WriteBatch>, const store::Answer&) noexcept override {}

    store::Store& store_;
};

}  // namespace flare::server::api
