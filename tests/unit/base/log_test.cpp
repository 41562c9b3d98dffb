#include "base/log.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <spdlog/sinks/sink.h>

#include <string>
#include <vector>

namespace flare::base {
namespace {

class Lines final : public spdlog::sinks::sink {
public:
    void log(const spdlog::details::log_msg& message) override {
        lines.emplace_back(message.payload.data(), message.payload.size());
    }
    void flush() override {}
    void set_pattern(const std::string&) override {}
    void set_formatter(std::unique_ptr<spdlog::formatter>) override {}
    std::vector<std::string> lines;
};

struct LogTest : ::testing::Test {
    std::shared_ptr<Lines> sink = std::make_shared<Lines>();
    Log log{std::make_shared<spdlog::logger>("test", sink)};
};

TEST_F(LogTest, EveryKindOfTextIsEscapedWithoutBeingAskedFor) {
    const std::string text = "a\nb\x1b[31m";
    log.info("{} {} {} {}", text, std::string_view(text), text.c_str(), 7);
    EXPECT_THAT(sink->lines, testing::ElementsAre("a\\x0ab\\x1b[31m a\\x0ab\\x1b[31m a\\x0ab\\x1b[31m 7"));
}

TEST_F(LogTest, ANameCannotEndItsQuotes) {
    log.info("user {} refused", Quoted{"bob' refused: nothing\n2026 info user 'eve"});
    EXPECT_EQ(sink->lines.at(0), "user 'bob\\' refused: nothing\\x0a2026 info user \\'eve' refused");
}

TEST_F(LogTest, NamesUsersOnlyWhenItIsTo) {
    log.info("user {} refused", User{"ali'ce"});
    Log::show_users(false);
    log.info("user {} refused", User{"ali'ce"});
    Log::show_users(true);
    EXPECT_THAT(sink->lines, testing::ElementsAre("user 'ali\\'ce' refused", "user - refused"));
}

TEST_F(LogTest, TextsAndLinesAreBounded) {
    log.info("{} {}", std::string(100'000, 'a'), Quoted{std::string(100'000, 'b')});
    EXPECT_LE(sink->lines.at(0).size(), Shown::kMaxBytes + Quoted::kMaxBytes + 3);
    const std::string long_text(1024, 'x');
    log.info("{}{}{}{}{}{}", long_text, long_text, long_text, long_text, long_text, long_text);
    EXPECT_LT(sink->lines.at(1).size(), 4096u);
}

TEST_F(LogTest, LinesOfOneKindAreLimitedAndSummedUp) {
    for (int i = 0; i < 1213; ++i) log.limited(LogKind::refused_upgrade, "upgrade {} refused", i);
    log.limited(LogKind::failed_tls, "another kind has room of its own");
    log.sum_up(true);
    // A period may have ended while this ran.
    EXPECT_GE(sink->lines.size(), LineLimit::kBurst + 2);
    EXPECT_LE(sink->lines.size(), 3 * LineLimit::kBurst);
    EXPECT_EQ(sink->lines.at(LineLimit::kBurst - 1), "upgrade 9 refused");
    EXPECT_THAT(sink->lines.back(), testing::MatchesRegex("refused upgrades: .* more in 10 s"));
    EXPECT_THAT(sink->lines, testing::Contains("another kind has room of its own"));
}

}  // namespace
}  // namespace flare::base
