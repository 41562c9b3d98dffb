// docs/openapi.yaml has every route of the server, and no other one.
#include "server/api/context.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <set>
#include <string>

namespace flare::server::api {
namespace {

// "GET /v1/info: info, system:read", of each operation. The document is written by one hand: a path is indented by two
// blanks, a method by four, what belongs to it by six.
std::set<std::string> of_document() {
    std::set<std::string> operations;
    std::ifstream file(FLARE_SOURCE_DIR "/docs/openapi.yaml");
    std::string path, method, name;
    const std::string id = "      operationId: ", scope = "      x-scope: ";
    for (std::string line; std::getline(file, line);) {
        if (line.starts_with("  /")) path = line.substr(2, line.size() - 3);
        if (line.starts_with("    ") && line[4] != ' ' && line.ends_with(":")) method = line.substr(4, line.size() - 5);
        if (line.starts_with(id)) name = line.substr(id.size());
        if (!line.starts_with(scope)) continue;
        for (char& each : method) each = static_cast<char>(each - ('a' - 'A'));
        operations.insert(method + " " + path + ": " + name + ", " + line.substr(scope.size()));
    }
    return operations;
}

TEST(OpenApi, HasEveryRouteAndNoOther) {
    std::set<std::string> routes;
    for (const auto all : {message_routes(), conversation_routes(), member_routes(), user_routes(), system_routes()}) {
        for (const Route& each : all)
            routes.insert(std::string(each.method) + " " + std::string(each.path) + ": " + std::string(each.name) +
                          ", " + auth::scope_name(each.group, each.writes()));
    }
    EXPECT_EQ(routes, of_document());
}

}  // namespace
}  // namespace flare::server::api
