#include <flare/error.hpp>
#include <flare/message.hpp>

#include <gtest/gtest.h>

#include <cctype>
#include <fstream>
#include <iterator>
#include <map>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

namespace flare::test {
namespace {

std::string read_file(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

std::vector<std::string> lines_of(const std::string& text) {
    std::vector<std::string> lines;
    std::istringstream in(text);
    for (std::string line; std::getline(in, line);) lines.push_back(line);
    return lines;
}

// Without the blanks around it.
std::string trimmed(std::string text) {
    text.erase(0, text.find_first_not_of(' '));
    text.erase(text.find_last_not_of(' ') + 1);
    return text;
}

// The enumerators of errc as they stand in the header: "    busy = 304,".
std::map<int, std::string> codes_of_the_header() {
    std::map<int, std::string> codes;
    bool inside = false;
    for (const std::string& line : lines_of(read_file(FLARE_SOURCE_DIR "/include/flare/error.hpp"))) {
        if (line.starts_with("enum class errc :")) inside = true;
        if (line.starts_with("};")) inside = false;
        const auto equals = line.find(" = ");
        if (inside && equals != line.npos) codes[std::stoi(line.substr(equals + 3))] = trimmed(line.substr(0, equals));
    }
    return codes;
}

std::string condition_of(errc code) {
    const boost::system::error_code error = code;
    std::string found;
    if (error == errcond::retryable) found += "retryable";
    if (error == errcond::auth) found += "auth";
    if (error == errcond::protocol) found += "protocol";
    if (error == errcond::config) found += "config";
    return found;
}

TEST(Error, EveryCodeHasItsNameAndAnExplanation) {
    const auto codes = codes_of_the_header();
    EXPECT_GE(codes.size(), 80u);
    for (const auto& [number, text] : codes) {
        const auto code = static_cast<errc>(number);
        EXPECT_EQ(name(code), text);
        const std::string_view explanation = explain(code);
        EXPECT_NE(explanation, explain(static_cast<errc>(9'999))) << text;
        const auto split = explanation.find("; ");
        EXPECT_NE(split, explanation.npos) << text << " says what is wrong, and not what to do";
        EXPECT_EQ(explanation.find("; ", split + 1), explanation.npos) << text;
    }
}

TEST(Error, ACodeOfANewerPeerIsUnknownAndHarmless) {
    const auto code = static_cast<errc>(9'999);
    EXPECT_EQ(name(code), "unknown");
    EXPECT_FALSE(explain(code).empty());
    EXPECT_EQ(condition_of(code), "");
    const boost::system::error_code error = code;
    EXPECT_TRUE(error.failed());
    EXPECT_EQ(error.value(), 9'999);
}

TEST(Error, ConvertsToErrorCodesAndBack) {
    const boost::system::error_code error = errc::user_offline;
    EXPECT_EQ(error, errc::user_offline);
    EXPECT_NE(error, errc::busy);
    EXPECT_EQ(error.value(), 400);
    EXPECT_STREQ(error.category().name(), "flare");
    EXPECT_EQ(error.message(), explain(errc::user_offline));
    EXPECT_FALSE(boost::system::error_code(errc::ok).failed());

    const Result<int> result = errc::busy;
    EXPECT_EQ(result.error(), errc::busy);
}

TEST(Error, ConditionsSortCodesCoarsely) {
    EXPECT_EQ(condition_of(errc::busy), "retryable");
    EXPECT_EQ(condition_of(errc::token_expired), "auth");
    EXPECT_EQ(condition_of(errc::malformed_frame), "protocol");
    EXPECT_EQ(condition_of(errc::address_in_use), "config");
    EXPECT_EQ(condition_of(errc::ok), "");
    EXPECT_EQ(condition_of(errc::internal), "");
    EXPECT_FALSE(make_error_code(errc::busy) == errcond::auth);
    EXPECT_EQ(make_error_condition(errcond::auth).message(), "credentials or permissions are missing");
    // Another library's codes are none of ours, even with the same number.
    EXPECT_FALSE(boost::system::error_code(400, boost::system::system_category()) == errcond::retryable);
}

// A row of docs/errors.md: "| 400 | `user_offline` | retryable | meaning | what to do |".
struct DocumentedRow {
    int number = 0;
    std::string name;
    std::string condition;
    std::string text;
};

std::optional<DocumentedRow> documented(const std::string& line) {
    std::vector<std::string> cells;
    std::istringstream in(line);
    for (std::string cell; std::getline(in, cell, '|');) cells.push_back(trimmed(cell));
    if (cells.size() != 6 || cells[1].empty() || std::isdigit(static_cast<unsigned char>(cells[1][0])) == 0)
        return std::nullopt;
    return DocumentedRow{std::stoi(cells[1]), cells[2], cells[3], cells[4] + "; " + cells[5]};
}

TEST(Error, TheDocumentAndTheTableAgree) {
    std::map<int, DocumentedRow> rows;
    int last = -1;
    for (const std::string& line : lines_of(read_file(FLARE_SOURCE_DIR "/docs/errors.md"))) {
        const auto row = documented(line);
        if (!row) continue;
        EXPECT_GT(row->number, last) << "the rows are in the order of their numbers";
        last = row->number;
        rows[row->number] = *row;
    }
    for (const auto& [number, text] : codes_of_the_header()) {
        ASSERT_TRUE(rows.contains(number)) << text << " is not in docs/errors.md";
        const auto code = static_cast<errc>(number);
        EXPECT_EQ(rows[number].name, "`" + text + "`");
        EXPECT_EQ(rows[number].text, explain(code));
        EXPECT_EQ(rows[number].condition, condition_of(code)) << text;
    }
    EXPECT_EQ(rows.size(), codes_of_the_header().size());
}

TEST(Message, NamesOfPlatformsAndProtocolsAreStable) {
    EXPECT_EQ(name(Platform::unknown), "unknown");
    EXPECT_EQ(name(Platform::ios), "ios");
    EXPECT_EQ(name(Platform::server), "server");
    EXPECT_EQ(name(static_cast<Platform>(99)), "unknown");
    EXPECT_EQ(name(Protocol::websocket), "websocket");
    EXPECT_EQ(name(Protocol::quic), "quic");
}

}  // namespace
}  // namespace flare::test
