// Files of flight records: whatever they hold, there is a story, with one of the known causes.
#include "flight/story.hpp"

#include <cstdint>
#include <cstdlib>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const flare::flight::Story story = flare::flight::tell({reinterpret_cast<const char*>(data), size});
    if (flare::flight::explain_cause(story.cause).empty()) std::abort();
    return 0;
}
