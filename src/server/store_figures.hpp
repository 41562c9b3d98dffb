// What a store says of itself: for the log, for ServerStats.
//
// Threads: any.
#pragma once

#include "store/store.hpp"

#include <flare/server.hpp>

#include <string>

namespace flare::server {

StoreStats figures_of(const store::Store& store);
// Where conversations are, what `stored` is worth there, and how much room there is: a line of the log.
std::string introduction_of(const store::About& about);

}  // namespace flare::server
