// The calls of a client for pushes: Client::push().
//
//     client->push().register_device("fcm", token);
//
// A registered device is told to the server's application when messages wait for its user, who has no live session:
// PushHandler (<flare/push_events.hpp>). What wakes the device, and how, is between the application and its service.
//
// Protocol: docs/conversations.md, "Push"; docs/client.md, "Push".
// Threads:  as Client.
// Owner:    Client; the object lives as long as its client, and moves with it.
#pragma once

#include <flare/export.hpp>
#include <flare/failure.hpp>
#include <flare/task.hpp>

#include <memory>
#include <string>

namespace flare {

namespace client {
class ClientLoop;
}

// The device is that of this client (ClientBuilder::device_id(); give it one that stays, as a random one is another
// device in each run). The server keeps the registration until it is replaced or taken back: register again whenever
// the service gives another token.
//
// Errors: not_supported (the server has no store), and those of a call of Conversations that reads; storage_full,
// storage_failed (the server's store cannot write now: call again later).
class FLARE_EXPORT Push {
public:
    ~Push();
    Push(const Push&) = delete;
    Push& operator=(const Push&) = delete;

    // `service`: 1 to 64 bytes, "fcm", "apns", "webpush" or a name of your own; `token`: what it calls this device, 1
    // to 4096 bytes; `app`: which of several apps it is, at most 256. All UTF-8. One registration for each device, and
    // at most 20 devices of a user: beyond that the one registered first is forgotten. A token that is registered for
    // another device or user is taken from it. Errors: invalid_name.
    Checked<> register_device(std::string service, std::string token, std::string app = {});
    // The same when it is not registered.
    Checked<> unregister_device();

    // ---- the same for coroutines, on any executor ----

    Task<Checked<>> async_register_device(std::string service, std::string token, std::string app = {});
    Task<Checked<>> async_unregister_device();

private:
    friend class Client;
    explicit Push(std::shared_ptr<client::ClientLoop> loop);
    std::shared_ptr<client::ClientLoop> loop_;
};

}  // namespace flare
