// Vectors as the files of docs/vectors have them.
#include "vector_cases.hpp"

#include "support.hpp"

#include "wire/json.hpp"

#include <sstream>

namespace flare::wire::test {

std::string vector_file(const VectorCase& each) {
    constexpr std::size_t kBytesPerLine = 32;
    std::string text = "about: " + each.about + "\n";
    for (std::size_t at = 0; at < each.batch.size(); at += kBytesPerLine) {
        text += "hex: " + to_hex(std::string_view(each.batch).substr(at, kBytesPerLine)) + "\n";
    }
    if (each.use == VectorUse::refused) return text + "error: " + each.refused + "\n";
    const auto json = batch_to_json(each.batch);
    return text + (each.use == VectorUse::both_ways ? "json: " : "reads-as: ") +
           (json ? *json : json.error().message()) + "\n";
}

VectorFile parse_vector(const std::string& text) {
    VectorFile file;
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);) {
        const auto colon = line.find(": ");
        if (colon == line.npos) continue;
        const std::string key = line.substr(0, colon);
        const std::string value = line.substr(colon + 2);
        if (key == "about") file.about = value;
        if (key == "hex") file.batch += from_hex(value);
        if (key == "json") file.json = value;
        if (key == "reads-as") file.reads_as = value;
        if (key == "error") file.error = value;
    }
    return file;
}

std::string vector_path(const std::string& name) { return FLARE_SOURCE_DIR "/docs/vectors/" + name + ".txt"; }

}  // namespace flare::wire::test
