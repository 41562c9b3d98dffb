#include <flare/push.hpp>

#include "client/im/asking.hpp"
#include "client/im/people_bodies.hpp"

#include <utility>

namespace flare {

Push::Push(std::shared_ptr<client::ClientLoop> loop) : loop_(std::move(loop)) {}
Push::~Push() = default;

Checked<> Push::register_device(std::string service, std::string token, std::string app) {
    return client::ask<void>(loop_, client::register_call(service, token, app), client::read_registered);
}
Checked<> Push::unregister_device() {
    return client::ask<void>(loop_, client::unregister_call(), client::read_registered);
}

Task<Checked<>> Push::async_register_device(std::string service, std::string token, std::string app) {
    return client::async_ask<void>(loop_, client::register_call(service, token, app), client::read_registered);
}
Task<Checked<>> Push::async_unregister_device() {
    return client::async_ask<void>(loop_, client::unregister_call(), client::read_registered);
}

}  // namespace flare
