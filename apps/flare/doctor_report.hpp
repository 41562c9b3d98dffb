// What `flare doctor` has found, check by check: printed as it comes, or kept for one JSON object.
#pragma once

#include "output.hpp"

#include <flare/error.hpp>

#include <boost/json.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace flare::cli {

enum class Verdict : std::uint8_t { fine, warning, problem, skipped };

struct Check {
    std::string name;  // "tcp", "certificate dates" ...
    Verdict verdict = Verdict::fine;
    std::string code;    // a word for programs; empty when fine
    std::string text;    // what was found
    std::string advice;  // what to do; empty when there is nothing to do
};

Check fine(std::string name, std::string text);
Check problem(std::string name, std::string_view code, std::string text, std::string advice);
Check warning(std::string name, std::string_view code, std::string text, std::string advice);
Check skipped(std::string name, std::string why);
// The advice that belongs to a code of the library: the second half of what explain() says.
std::string advice_for(errc code);

class Report {
public:
    explicit Report(bool json) : json_(json) {}
    // What follows is about this.
    void begin(std::string subject);
    void add(Check check);
    std::size_t problems() const noexcept { return problems_; }
    // The last lines, or the object.
    void finish();

private:
    void print(const Check& check);

    const bool json_;
    std::string subject_;
    boost::json::array checks_;
    std::size_t problems_ = 0;
    std::size_t warnings_ = 0;
    std::optional<Progress> progress_;  // while nothing is printed
};

}  // namespace flare::cli
