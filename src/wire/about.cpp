#include "wire/about.hpp"

#include "wire/about_table.hpp"

namespace flare::wire {

std::string encode(const About& about) {
    std::string out(content_size(about), '\0');
    put_content(out.data(), about);
    return out;
}

Result<About> decode_about(std::string_view bytes) {
    Result<About> result;  // filled in place
    if (const errc code = read_content(bytes, *result); code != errc::ok) result = make_error_code(code);
    return result;
}

}  // namespace flare::wire
