// The golden frames of docs/vectors, as the values that they are made of.
#pragma once

#include <string>
#include <vector>

namespace flare::wire::test {

enum class VectorUse {
    both_ways,  // hex <-> JSON
    reads_as,   // hex -> JSON only: what a tolerant reader makes of an unusual encoding
    refused,    // hex -> the name of an errc
};

struct VectorCase {
    std::string name;
    std::string about;
    VectorUse use = VectorUse::both_ways;
    std::string batch;    // bytes
    std::string refused;  // name of the errc
};

std::vector<VectorCase> vector_cases();

// The text of the file docs/vectors/NAME.txt.
std::string vector_file(const VectorCase& each);

// A file read back.
struct VectorFile {
    std::string about;
    std::string batch;
    std::string json;      // "json:", both ways
    std::string reads_as;  // "reads-as:"
    std::string error;     // "error:"
};
VectorFile parse_vector(const std::string& text);

std::string vector_path(const std::string& name);

}  // namespace flare::wire::test
