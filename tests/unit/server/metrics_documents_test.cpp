// What documents say of metrics is what a server tells: docs/operations.md has each one, the dashboard names no other.
#include "server/admin/metrics.hpp"

#include <boost/json.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <regex>
#include <set>
#include <sstream>

namespace flare::server {
namespace {

std::string text_of(const std::string& path) {
    std::ifstream file(std::string(FLARE_SOURCE_DIR) + "/docs/" + path);
    EXPECT_TRUE(file) << path;
    std::ostringstream text;
    text << file.rdbuf();
    return text.str();
}

// The first group of every match.
std::set<std::string> all_of(const std::string& text, const char* pattern) {
    const std::regex wanted(pattern);
    std::set<std::string> found;
    for (std::sregex_iterator at(text.begin(), text.end(), wanted), end; at != end; ++at) found.insert((*at)[1]);
    return found;
}

// Each with its labels: "flare_connections{protocol}".
std::set<std::string> told_by_the_server() {
    ServerStats stats;
    stats.connections[Protocol::quic] = 1;
    stats.errors[errc::busy] = 1;
    stats.store.engine = "sqlite";
    stats.store.refused[errc::busy] = 1;
    stats.store.commit_seconds.buckets = {{1, 1}};
    stats.hooks.emplace_back().name = "orders";
    const std::string text = metrics_text(stats);
    std::set<std::string> found = all_of(text, "# TYPE (flare_[a-z_]+) ");
    for (const std::string& labelled : all_of(text, R"re((flare_[a-z_]+\{[a-z]+)=)re")) {
        if (labelled.ends_with("_bucket{le")) continue;  // of a histogram
        found.erase(labelled.substr(0, labelled.find('{')));
        found.insert(labelled + "}");
    }
    return found;
}

// A histogram is used by its parts: "flare_store_commit_seconds_bucket".
std::string whole(const std::string& name) {
    for (const char* const part : {"_bucket", "_sum", "_count"}) {
        const std::string beginning = name.substr(0, name.size() - std::min(name.size(), std::string(part).size()));
        if (name.ends_with(part) && told_by_the_server().contains(beginning)) return beginning;
    }
    return name;
}

std::set<std::string> without_labels(const std::set<std::string>& metrics) {
    std::set<std::string> names;
    for (const std::string& metric : metrics) names.insert(metric.substr(0, metric.find('{')));
    return names;
}

TEST(MetricsDocuments, TheTableHasEveryMetricWithItsLabelsAndNoOther) {
    const std::string text = text_of("operations.md");
    std::set<std::string> documented;
    const std::regex row(R"re(\| `(flare_[a-z_]+)` \| (?:`([a-z]+)` )?\| )re");
    for (std::sregex_iterator at(text.begin(), text.end(), row), end; at != end; ++at)
        documented.insert((*at)[1].str() + ((*at)[2].matched ? "{" + (*at)[2].str() + "}" : ""));
    EXPECT_EQ(documented, told_by_the_server());
}

TEST(MetricsDocuments, TheOperationsGuideNamesNoMetricThatThereIsNot) {
    for (const std::string& name : all_of(text_of("operations.md"), "(flare_[a-z_]+)"))
        EXPECT_THAT(without_labels(told_by_the_server()), testing::Contains(whole(name)));
}

TEST(MetricsDocuments, TheDashboardIsJsonAndShowsEveryMetric) {
    const std::string text = text_of("grafana-dashboard.json");
    boost::system::error_code error;
    const boost::json::value dashboard = boost::json::parse(text, error);
    ASSERT_FALSE(error) << error.message();
    std::set<std::string> shown;
    for (const boost::json::value& panel : dashboard.at("panels").as_array()) {
        if (panel.at("type").as_string() == "row") continue;
        ASSERT_FALSE(panel.at("targets").as_array().empty()) << panel.at("title");
        for (const boost::json::value& target : panel.at("targets").as_array())
            for (const std::string& name : all_of(std::string(target.at("expr").as_string()), "(flare_[a-z_]+)"))
                shown.insert(whole(name));
    }
    std::set<std::string> expected = without_labels(told_by_the_server());
    expected.erase("flare_sessions");  // the sum of two that are shown
    EXPECT_EQ(shown, expected);
}

}  // namespace
}  // namespace flare::server
