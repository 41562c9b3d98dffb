// Which conversations a page of a list names: store/listing.hpp.
#include "store/listing.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace flare::store {
namespace {

std::vector<Row> chosen(const ListRequest& request, const std::vector<Candidate>& all) {
    ListChoice choice(request, 10, 0);  // the last stamp that was noted before they were read
    for (const Candidate& each : all) choice.see(each);
    choice.finish();
    std::vector<Row> rows;
    for (const Candidate& each : choice.found()) rows.push_back(each.row);
    return rows;
}

// Else it would be on no page, and not among those that have not changed.
TEST(ListChoice, ShowsOnTheFirstPageWhatWasCommittedWhileItWasRead) {
    const std::vector<Candidate> all{{4, 1}, {11, 2}, {9, 3}};
    EXPECT_EQ(chosen({}, all), (std::vector<Row>{2, 3, 1}));
    EXPECT_EQ(chosen({.above = 8}, all), (std::vector<Row>{2, 3}));
    EXPECT_EQ(chosen({.upto = 10}, all), (std::vector<Row>{3, 1})) << "it belongs to the next list";
    EXPECT_EQ(chosen({.upto = 10, .before_stamp = 11, .before_row = 2}, all), (std::vector<Row>{3, 1}));
}

}  // namespace
}  // namespace flare::store
