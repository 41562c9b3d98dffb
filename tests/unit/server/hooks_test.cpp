// Parts of hooks without a server: names of events, signatures, when is tried again.
#include "server/hooks/attempts.hpp"
#include "server/hooks/breaker.hpp"
#include "server/hooks/event_names.hpp"
#include "server/hooks/signature.hpp"

#include <gmock/gmock.h>

#include <set>

namespace flare::server::hooks {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;

TEST(HookEvents, HaveNames) {
    std::set<std::string_view> names;
    for (std::size_t i = 0; i < kEvents; ++i) names.insert(name(static_cast<Event>(i)));
    EXPECT_EQ(names.size(), kEvents);
    EXPECT_TRUE(EventSet::named("message.created").has(Event::message_created));
    EXPECT_TRUE(EventSet::named("message.create").empty());
    EXPECT_TRUE(EventSet::named("*").empty());
    EXPECT_THAT(EventSet::named("reaction.*").names(), ElementsAre("reaction.added", "reaction.removed"));
    EXPECT_FALSE(EventSet::named("message.*").any_asked());
    EXPECT_TRUE(EventSet::named("member.before_join").any_asked());
    EXPECT_FALSE(EventSet::named("push.*").any_of_log());
}

// The example of the specification, signed by openssl:
//   printf 'msg_p5jXN8AQM9LWM0D4loKWxJek.1614265330.{"test": 2432232314}' |
//     openssl dgst -sha256 -mac HMAC -macopt hexkey:$(printf MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw | base64 -d | xxd -p)
//     -binary | base64
TEST(HookSignature, IsThatOfTheSpecification) {
    const auto key = key_of_secret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
    ASSERT_TRUE(key);
    const std::array one{*key};
    const std::string expected = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
    EXPECT_EQ(signature_of(one, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, R"({"test": 2432232314})"), expected);
    const std::array two{*key, *key};
    EXPECT_EQ(signature_of(two, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, R"({"test": 2432232314})"),
              expected + " " + expected);
}

TEST(HookSignature, ASecretHasAFormAndALength) {
    EXPECT_FALSE(key_of_secret("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"));
    EXPECT_FALSE(key_of_secret("whsec_"));
    EXPECT_FALSE(key_of_secret("whsec_c2hvcnQ="));
    EXPECT_FALSE(key_of_secret("whsec_!!!!"));
    EXPECT_FALSE(key_of_secret("whsec_" + std::string(120, 'A')));
}

TEST(HookAttempts, WaitTwiceAsLongEachTimeAndEndAfterThreeDays) {
    Attempts attempts;
    const auto begin = Attempts::Clock::time_point() + 1h;
    EXPECT_EQ(attempts.failed(begin, 500), 1000ms);
    EXPECT_EQ(attempts.failed(begin, 0), 1000ms);
    EXPECT_EQ(attempts.failed(begin, 2000), 4000ms);
    for (int i = 0; i < 100; ++i) EXPECT_LE(*attempts.failed(begin, 0), Attempts::kLongest);
    EXPECT_EQ(attempts.failed(begin, 0), Attempts::kLongest / 2);
    EXPECT_TRUE(attempts.failing());
    EXPECT_TRUE(attempts.failed(begin + 72h - 1ms, 0));
    EXPECT_FALSE(attempts.failed(begin + 72h, 0));
    attempts.succeeded();
    EXPECT_FALSE(attempts.failing());
    EXPECT_EQ(attempts.failed(begin + 73h, 500), 1000ms);
}

TEST(HookBreaker, OpensAfterTenFailuresInARowAndLetsOneAskAfterAWhile) {
    Breaker breaker;
    auto now = Breaker::Clock::time_point() + 1h;
    for (unsigned i = 1; i < Breaker::kFailures; ++i) breaker.failed(now);
    breaker.succeeded();
    for (unsigned i = 1; i < Breaker::kFailures; ++i) breaker.failed(now);
    EXPECT_TRUE(breaker.lets_ask(now));
    EXPECT_FALSE(breaker.open());
    breaker.failed(now);
    EXPECT_TRUE(breaker.open());
    EXPECT_FALSE(breaker.lets_ask(now));
    now += Breaker::kOpen;
    EXPECT_TRUE(breaker.lets_ask(now)) << "one";
    EXPECT_FALSE(breaker.lets_ask(now)) << "and no other before it is answered";
    breaker.failed(now);
    EXPECT_FALSE(breaker.lets_ask(now + Breaker::kOpen - 1ms));
    EXPECT_TRUE(breaker.lets_ask(now + Breaker::kOpen));
    breaker.succeeded();
    EXPECT_TRUE(breaker.lets_ask(now));
    EXPECT_FALSE(breaker.open());
}

}  // namespace
}  // namespace flare::server::hooks
