// A command that connects while its inbox fills.
#include "apps/flare/connecting.hpp"

#include <flare/server.hpp>

#include <gtest/gtest.h>

#include <chrono>
#include <thread>

namespace flare::cli::test {
namespace {

// Or it would lie there until the next event comes, which may be a heartbeat half a minute later.
TEST(ConnectOrSignal, WhatCameMeanwhileWakesWhoWaitsNext) {
    auto server = ServerBuilder().websocket_addr("127.0.0.1:0").enable_quic(false).build();
    ASSERT_TRUE(server) << server.error().text;
    ASSERT_TRUE(server->start());
    Inbox inbox{};
    auto client = ClientBuilder("ann")
                      .server_addresses(ServerAddresses().with_websocket_url("ws://" + server->websocket_addr()))
                      .token([&] {
                          inbox.callback()(event::Draining{});
                          std::this_thread::sleep_for(std::chrono::milliseconds(50));  // it wakes who waits, in vain
                          return "";
                      })
                      .build();
    ASSERT_TRUE(client) << client.error().text;
    const auto connected = connect_or_signal(*client, inbox);
    ASSERT_TRUE(connected && *connected) << connected->error().text;
    inbox.wait();  // else for ever
    EXPECT_EQ(inbox.take().size(), 1u);
}

}  // namespace
}  // namespace flare::cli::test
