// One call of the server API, from its request to its answer.
//
// Threads: made on the thread of the API; answer() and refuse() any, once.
// Owner:   whoever is to answer it. If nobody does it is answered with 500.
#pragma once

#include "auth/api_keys.hpp"
#include "server/api/problem.hpp"
#include "transport/http/router.hpp"
#include "transport/http/server.hpp"

#include <flare/uuid.hpp>

#include <boost/asio/io_context.hpp>
#include <boost/json/object.hpp>

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace flare::server::api {

class Call : public std::enable_shared_from_this<Call> {
public:
    // Sees the answer first, on the thread of the API.
    using Answered = std::function<void(transport::http::Response& response)>;
    Call(std::shared_ptr<boost::asio::io_context> context, transport::http::Request request,
         transport::http::Responder responder, transport::http::Router::Match match, auth::ApiKey key,
         Answered answered)
        : context_(std::move(context)),
          request_(std::move(request)),
          responder_(std::move(responder)),
          match_(std::move(match)),
          key_(std::move(key)),
          answered_(std::move(answered)) {}

    ~Call();
    Call(const Call&) = delete;
    Call& operator=(const Call&) = delete;

    const transport::http::Request& request() const noexcept { return request_; }
    const auth::ApiKey& key() const noexcept { return key_; }
    std::size_t route() const noexcept { return match_.route; }
    // A name of the route's template. Precondition: it has it.
    const std::string& path(std::string_view name) const { return *match_.path.find(name); }
    bool has_path(std::string_view name) const noexcept { return match_.path.find(name) != nullptr; }
    // Of the query; empty: it is not there.
    std::string_view query(std::string_view name) const noexcept;
    // Nothing: there is none. What is no such number, or beyond `most`, is a problem.
    std::optional<std::uint64_t> query_number(std::string_view name, std::uint64_t most,
                                              std::optional<Problem>& problem) const;
    // The name of the first parameter that is none of these; empty: there is none.
    std::string_view stray_query(std::span<const std::string_view> known) const noexcept;

    // The entries and messages that this call makes have these ids: the same for the same Idempotency-Key, so that
    // doing it again after a crash finds them.
    Uuid entry_id(std::size_t number) const;
    void identify(std::string seed) { seed_ = std::move(seed); }

    void answer(unsigned status, boost::json::object body);
    void answer(unsigned status) { send(transport::http::Response{status, "application/json", {}, {}}); }
    void refuse(const Problem& problem) { send(response_of(problem)); }
    void send(transport::http::Response response);

private:
    const std::shared_ptr<boost::asio::io_context> context_;
    const transport::http::Request request_;
    std::optional<transport::http::Responder> responder_;  // of the thread of the API
    const transport::http::Router::Match match_;
    const auth::ApiKey key_;
    const Answered answered_;
    std::string seed_;  // empty: every id is new
};
using CallPtr = std::shared_ptr<Call>;

}  // namespace flare::server::api
