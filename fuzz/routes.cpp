// The target of a request on its way to a route: whatever it is, what a route takes is UTF-8 without zero bytes, as
// many names as its template has, and none of them is empty. The first line is the method.
#include "base/utf8.hpp"
#include "transport/http/router.hpp"

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string_view>

namespace {

using namespace flare::transport::http;

void require(bool holds) {
    if (!holds) std::abort();
}

Router make_router() {
    Router router;
    router.add("GET", "/v1/rooms", 0);
    router.add("POST", "/v1/rooms", 0);
    router.add("GET", "/v1/rooms/newest", 0);
    router.add("GET", "/v1/rooms/{room}", 1);
    router.add("DELETE", "/v1/rooms/{room}/members/{user}", 2);
    router.add("GET", "/v1/{a}/{b}/{c}", 3);
    return router;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const Router router = make_router();
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const std::size_t line = std::min(text.find('\n'), text.size());
    const Router::Found found = router.find(text.substr(0, line), text.substr(std::min(line + 1, text.size())));
    if (const auto* const missed = std::get_if<Router::Missed>(&found)) {
        require((missed->why == Router::Miss::method) != missed->allow.empty());
        return 0;
    }
    const auto& match = std::get<Router::Match>(found);
    require(match.path.all().size() == match.route && match.query.all().size() <= Router::kMaxQuery);
    for (const auto& [name, value] : match.path.all()) require(!value.empty());
    for (const Parameters* const parameters : {&match.path, &match.query}) {
        for (const auto& [name, value] : parameters->all()) {
            require(flare::base::is_utf8(name) && flare::base::is_utf8(value));
            require(value.find('\0') == value.npos && parameters->find(name) != nullptr);
        }
    }
    return 0;
}
