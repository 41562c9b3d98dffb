// Answers clients that want to seal, before their Hello: docs/protocol.md, "Sealing".
//
// Threads: its worker's.
// Owner:   Shard.
#pragma once

#include "server/sealing.hpp"
#include "server/worker/carriers.hpp"

#include <flare/failure.hpp>

#include <memory>
#include <optional>
#include <string_view>

namespace flare::server {

class Sealer {
public:
    Sealer(Executor& executor, Carriers& carriers) : executor_(executor), carriers_(carriers) {}

    // For connections that come from now on; null: clients cannot seal.
    void use(std::shared_ptr<const Sealing> sealing) { sealing_ = std::move(sealing); }
    // A batch that begins with a Seal. Nothing: it was answered. Otherwise what the client is to be refused with.
    std::optional<Failure> seal(ServerCarrier& carrier, std::string_view batch);

private:
    bool tell_key(ServerCarrier& carrier, std::string_view nonce);
    std::optional<Failure> shake_hands(ServerCarrier& carrier, std::string_view handshake);

    Executor& executor_;
    Carriers& carriers_;
    std::shared_ptr<const Sealing> sealing_;
};

}  // namespace flare::server
