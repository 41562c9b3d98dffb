// The server API: HTTP and JSON for back-ends, on an address and a thread of its own. It checks who asks and what they
// may, and hands each call to its route; chat is not slowed by it.
//
// Protocol: docs/server-api.md, docs/openapi.yaml; RFC 9110; RFC 6750 (keys).
// Threads:  open(), start_thread() and the destructor on the server's; requests on its own.
// Owner:    Server::Impl.
#pragma once

#include "auth/api_keys.hpp"
#include "base/rate.hpp"
#include "server/api/context.hpp"
#include "server/api/kept_answers.hpp"
#include "server/api/repeats.hpp"
#include "transport/http/router.hpp"
#include "transport/http/server.hpp"
#include "transport/tls/tls.hpp"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <variant>
#include <vector>

namespace flare::server::api {

class Api final : private transport::http::ServerHandler {
public:
    // kept: null: answers to repeats are in memory only.
    Api(WorkerGroup& group, const Encoder& encoder, ServerCalls server, std::shared_ptr<const auth::ApiKeys> keys,
        KeptAnswers* kept);
    ~Api();
    Api(const Api&) = delete;
    Api& operator=(const Api&) = delete;

    Checked<boost::asio::ip::tcp::endpoint> open(const std::string& address,
                                                 std::shared_ptr<transport::tls::ServerContext> tls);
    void start_thread();

private:
    std::optional<transport::http::Response> refuse(const transport::http::RequestHead& head,
                                                    const std::string& peer_address) override;
    std::size_t max_body_bytes(const transport::http::RequestHead& head) override;
    transport::http::Response refusal(unsigned status, const std::string& text) override;
    void on_request(transport::http::Request request, transport::http::Responder responder) override;

    std::optional<transport::http::Response> not_found(const transport::http::RequestHead& head,
                                                       const transport::http::Router::Missed& missed) const;
    std::optional<Problem> over_rate(const std::string& key);
    // Says what the key may still ask.
    void add_rate(const std::string& key, transport::http::Response& response);
    // What a call is a repeat by, empty: by nothing; a hash of what it asks; and its number in Repeats.
    struct Keyed {
        std::string by{};
        std::string asked{};
        std::uint64_t number = 0;
    };
    struct Asked;
    void perform(const std::shared_ptr<Asked>& asked);
    // A response: it is answered with that, and not done.
    std::variant<Keyed, transport::http::Response> repeat_of(const transport::http::Request& request,
                                                             const std::string& key);

    const std::shared_ptr<const auth::ApiKeys> keys_;
    KeptAnswers* const kept_;
    Context routes_of_;
    std::vector<Route> routes_;
    transport::http::Router router_;
    const base::Rate rate_;
    std::map<std::string, base::Bucket, std::less<>> buckets_;  // by the id of a key that is known
    Repeats repeats_;
    const std::shared_ptr<boost::asio::io_context> context_ = std::make_shared<boost::asio::io_context>(1);
    std::unique_ptr<transport::http::Server> server_;
    std::thread thread_;
};

}  // namespace flare::server::api
