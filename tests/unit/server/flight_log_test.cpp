#include "server/admin/flight_log.hpp"

#include <gtest/gtest.h>

namespace flare::server::test {
namespace {

session::SessionId id_of(std::uint8_t number) {
    session::SessionId id;
    id.value.bytes[15] = number;
    return id;
}

TEST(FlightLog, GivesTheLinesOfOneSessionTheOldestFirst) {
    FlightLog log;
    const session::TimePoint now{};
    log.add(FlightLog::entry(id_of(1), Happened::made, now));
    log.add(FlightLog::entry(id_of(2), Happened::made, now));
    log.add(FlightLog::entry(id_of(1), Happened::ended, now, errc::kicked));
    const auto lines = log.lines(id_of(1), now, 10);
    ASSERT_EQ(lines.size(), 2u);
    EXPECT_NE(lines[0].find("\"server_made\""), std::string::npos) << lines[0];
    EXPECT_NE(lines[1].find("\"server_ended\",\"code\":\"kicked\""), std::string::npos) << lines[1];
    EXPECT_EQ(log.lines(id_of(1), now, 1).size(), 1u);
    EXPECT_TRUE(log.lines(id_of(3), now, 10).empty());
}

TEST(FlightLog, ForgetsTheOldestAndNeverGrows) {
    FlightLog log;
    const session::TimePoint now{};
    log.add(FlightLog::entry(id_of(1), Happened::made, now));
    for (std::size_t i = 1; i < FlightLog::kEntries; ++i) log.add(FlightLog::entry(id_of(2), Happened::attached, now));
    EXPECT_EQ(log.lines(id_of(1), now, 10).size(), 1u);
    log.add(FlightLog::entry(id_of(2), Happened::attached, now));
    EXPECT_TRUE(log.lines(id_of(1), now, 10).empty());
}

TEST(FlightLog, AClientThatIsRefusedAgainAndAgainLeavesOneEntry) {
    FlightLog log;
    const session::TimePoint now{};
    for (int i = 0; i < 1000; ++i) {
        log.add(FlightLog::entry(id_of(1), Happened::message_refused, now, errc::rate_limited));
        log.add(FlightLog::entry(id_of(2), Happened::message_refused, now, errc::rate_limited));
    }
    const auto lines = log.lines(id_of(1), now, 10);
    ASSERT_EQ(lines.size(), 1u);
    EXPECT_NE(lines[0].find("\"times\":1000"), std::string::npos) << lines[0];
}

TEST(FlightLog, ShowsAddressesAsPeopleWriteThem) {
    FlightLog log;
    const session::TimePoint now{};
    FlightLog::Entry entry = FlightLog::entry(id_of(1), Happened::attached, now);
    entry.carrier = 7;
    entry.protocol = Protocol::quic;
    entry.address = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 192, 0, 2, 7};
    entry.port = 4711;
    log.add(entry);
    const auto lines = log.lines(id_of(1), now, 10);
    ASSERT_EQ(lines.size(), 1u);
    EXPECT_NE(lines[0].find(R"("carrier":7,"protocol":"quic","peer":"192.0.2.7","port":4711)"), std::string::npos)
        << lines[0];
}

TEST(FlightLog, NamesTheSessionsThatWereMadeLast) {
    FlightLog log;
    const session::TimePoint now{};
    for (std::uint8_t i = 1; i <= 5; ++i) log.add(FlightLog::entry(id_of(i), Happened::made, now));
    std::vector<int> seen;
    log.newest_made([&](const FlightLog::Entry& entry) {
        seen.push_back(entry.session.value.bytes[15]);
        return seen.size() < 3;
    });
    EXPECT_EQ(seen, (std::vector<int>{5, 4, 3}));
}

}  // namespace
}  // namespace flare::server::test
