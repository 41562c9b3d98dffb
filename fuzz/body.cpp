// The body of a call of the server API: it is read, or what is wrong with it is said, with a status of 4xx and an error
// that can be written.
#include "server/api/body.hpp"

#include <boost/json/serialize.hpp>

#include <cstdint>
#include <cstdlib>
#include <string_view>

namespace {

using namespace flare::server::api;

void require(bool holds) {
    if (!holds) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    constexpr std::size_t kMostBytes = 100;
    const auto parsed = parse_body({reinterpret_cast<const char*>(data), size});
    if (const auto* const problem = std::get_if<Problem>(&parsed)) {
        require(problem->status == 400 && !boost::json::serialize(json_of(*problem)).empty());
        return 0;
    }
    const auto& object = std::get<boost::json::object>(parsed);
    std::optional<Problem> problem;
    Body body(object, problem);
    const auto payload = body.payload(kMostBytes);
    require(!payload || payload->size() <= kMostBytes);
    const auto to = body.text("to", kMostBytes);
    require(!to || to->size() <= kMostBytes);
    const auto number = body.number("reply_to", 1000);
    require(!number || *number <= 1000);
    (void)body.flag("silent");
    (void)body.uuid("id");
    (void)body.time("until");
    require(body.texts("users", 3, kMostBytes).size() <= 3);
    if (const auto* const parts = body.array("messages", 2)) {
        for (std::size_t i = 0; i < parts->size(); ++i) {
            if (const auto* const part = (*parts)[i].if_object()) {
                Body inner = body.inner(*part, "messages");
                (void)inner.text("to");
                (void)inner.finish();
            }
        }
    }
    const bool good = body.finish();
    require(good != problem.has_value());
    if (problem) require(problem->status >= 400 && problem->status < 500 && !problem->field.empty());
    if (problem) require(!boost::json::serialize(json_of(*problem)).empty());
    return 0;
}
