// A server with a store and a server API, and a back-end that asks it over a socket.
#pragma once

#include "auth/api_keys.hpp"
#include "base/random.hpp"
#include "conversations/storing.hpp"
#include "integration/http_get.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace flare::test {

struct ApiAnswer {
    unsigned status = 0;
    std::string head;
    boost::json::object body;

    std::string text(std::string_view name) const {
        const auto* const found = body.if_contains(boost::json::string_view(name.data(), name.size()));
        if (found == nullptr) return "(none)";
        return found->is_string() ? std::string(found->get_string().c_str()) : boost::json::serialize(*found);
    }
    std::string errc() const { return text("errc"); }
};

class AskingTheApi : public ::testing::Test {
protected:
    AskingTheApi() : key_(auth::make_api_key(auth::Scopes::all(), base::system_random())) {}

    ServerBuilder builder() const { return with_api(with_store(quiet_server(), folder), {line(key_)}); }
    static ServerBuilder with_api(ServerBuilder builder, std::vector<std::string> keys,
                                  const std::string& address = "127.0.0.1:0") {
        ServerApi api;
        api.address = address;
        api.keys = std::move(keys);
        return builder.server_api(std::move(api));
    }
    static std::string line(const auth::NewApiKey& key) { return auth::to_line(key.key); }

    static ApiAnswer ask_with(const Server& server, const std::string& secret, const std::string& method,
                              const std::string& target, const std::string& body = {}, const std::string& more = {}) {
        std::string request = method + " " + target + " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n" + more;
        if (!secret.empty()) request += "Authorization: Bearer " + secret + "\r\n";
        request += "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
        const std::string answer = http_ask(server.api_addr(), request);
        ApiAnswer read;
        const std::size_t end = answer.find("\r\n\r\n");
        if (end == std::string::npos) return read;
        read.head = answer.substr(0, end + 2);
        read.status = static_cast<unsigned>(std::stoul(answer.substr(answer.find(' ') + 1, 3)));
        boost::system::error_code wrong;
        auto value = boost::json::parse(answer.substr(end + 4), wrong);
        if (!wrong && value.is_object()) read.body = std::move(value.get_object());
        return read;
    }
    ApiAnswer ask(const Server& server, const std::string& method, const std::string& target,
                  const std::string& body = {}, const std::string& more = {}) const {
        return ask_with(server, key_.secret, method, target, body, more);
    }
    // "200" or "404 unknown_conversation", with the field at fault.
    std::string said(const Server& server, const std::string& method, const std::string& target,
                     const std::string& body = {}, const std::string& more = {}) const {
        const ApiAnswer answer = ask(server, method, target, body, more);
        std::string text = std::to_string(answer.status);
        if (answer.body.contains("errc")) text += " " + answer.errc();
        if (answer.body.contains("field")) text += " " + answer.text("field");
        return text;
    }

    Folder folder;
    auth::NewApiKey key_;
};

}  // namespace flare::test
