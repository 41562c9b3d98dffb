#include "server/api/repeats.hpp"

#include <gtest/gtest.h>

#include <map>
#include <string>

namespace flare::server::api {
namespace {

using namespace std::chrono_literals;

class RepeatedCalls : public ::testing::Test {
protected:
    // "begun", the body of the answer that was kept, or the status of a problem.
    std::string begin(const std::string& key, std::string_view asked) {
        const Repeats::Found found = repeats_.begin(key, asked, now_);
        if (const auto* const begun = std::get_if<Repeats::Begun>(&found)) {
            numbers_[key] = begun->number;
            return "begun";
        }
        if (const auto* const response = std::get_if<transport::http::Response>(&found)) return response->body;
        return std::to_string(std::get<Problem>(found).status);
    }
    void end(const std::string& key, const std::string& body) {
        repeats_.end(key, numbers_[key], transport::http::Response{200, "application/json", body, {}});
    }
    Repeats repeats_;
    std::map<std::string, std::uint64_t> numbers_;
    Repeats::Clock::time_point now_{};
};

TEST_F(RepeatedCalls, AreAnsweredWithWhatTheFirstOneWas) {
    EXPECT_EQ(begin("a", "x"), "begun");
    EXPECT_EQ(begin("a", "x"), "409") << "it is being done";
    end("a", "done");
    EXPECT_EQ(begin("a", "x"), "done");
    EXPECT_EQ(begin("a", "y"), "422") << "another request";
    EXPECT_EQ(begin("b", "y"), "begun");
    repeats_.end("b", numbers_["b"], std::nullopt);
    EXPECT_EQ(begin("b", "z"), "begun") << "what came to nothing is not kept";
}

TEST_F(RepeatedCalls, AreForgottenAfterADay) {
    (void)begin("a", "x");
    end("a", "done");
    now_ += Repeats::kKept - 1ms;
    EXPECT_EQ(begin("a", "x"), "done");
    now_ += 1ms;
    EXPECT_EQ(begin("a", "x"), "begun");
    EXPECT_EQ(repeats_.size(), 1u);
    const std::uint64_t first = numbers_["a"];
    now_ += Repeats::kKept;
    EXPECT_EQ(begin("a", "y"), "begun");
    repeats_.end("a", first, transport::http::Response{200, "application/json", "late", {}});
    EXPECT_EQ(begin("a", "y"), "409") << "the answer of a call that was forgotten is not this one's";
}

TEST_F(RepeatedCalls, AreBounded) {
    for (std::size_t i = 0; i < Repeats::kMost + 10; ++i) {
        (void)begin(std::to_string(i), "x");
        end(std::to_string(i), "done");
    }
    EXPECT_EQ(repeats_.size(), Repeats::kMost);
    EXPECT_EQ(begin("0", "x"), "begun") << "the oldest have gone";
    const std::string large(1 << 20, 'b');
    for (int i = 0; i < 100; ++i) {
        (void)begin("large" + std::to_string(i), "x");
        end("large" + std::to_string(i), large);
    }
    EXPECT_LE(repeats_.size(), Repeats::kMostBytes / large.size() + 2);
}

}  // namespace
}  // namespace flare::server::api
