// A list of conversations, and what tests look at in it.
#pragma once

#include "unit/client/listing.hpp"

#include <gtest/gtest.h>

#include <string>

namespace flare::client {

class Listed : public ::testing::Test {
protected:
    void name(const test::Listing& listing) { EXPECT_TRUE(list.name(listing.wire(), 0)); }
    void entry(const wire::im::Entry& each, const std::string& name = "room:tea") {
        list.on_entry(name, test::kEpoch, each, 0);
    }
    void choose(const wire::im::Settings& settings, const std::string& name = "room:tea") {
        list.on_settings(name, test::kEpoch, settings);
    }
    // "unread above mark", with a + for more.
    std::string mark(const std::string& name = "room:tea") const {
        const auto item = list.item(name);
        if (!item) return "gone";
        return std::to_string(item->mark.unread) + (item->mark.more ? "+" : "") + " above " +
               std::to_string(item->mark.offset);
    }
    // "mentions of unread".
    std::string mentions(const std::string& name = "room:tea") const {
        const auto item = list.item(name);
        if (!item) return "gone";
        return std::to_string(item->mark.mentions) + " of " + std::to_string(item->mark.unread);
    }
    std::string entries(const std::string& name = "room:tea") const {
        std::string all;
        const auto item = list.item(name);
        if (!item) return "gone";
        for (const auto& each : item->entries) all += std::to_string(each.packed.entry.offset) + " ";
        return all;
    }
    std::string order() const {
        std::string all;
        for (const auto& item : list.items()) all += item.about.name + " ";
        return all;
    }

    ConversationList list{"ann"};
};

}  // namespace flare::client
