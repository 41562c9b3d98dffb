#include "server/conversations/push_devices.hpp"

#include "base/log.hpp"

#include <memory>
#include <utility>

namespace flare::server {
namespace {

constexpr std::uint32_t kRegisterAgainMs = 1000;  // a store that cannot write at present may be able to then

std::unique_ptr<store::WriteBatch> batch_of_push(store::PushChange change) {
    auto batch = std::make_unique<store::WriteBatch>();
    batch->writes.emplace_back().what = std::move(change);
    return batch;
}

// Of what was written, or why nothing was.
errc outcome_of_push(const store::WriteBatch& written, errc code) noexcept {
    return code == errc::ok ? written.writes.front().outcome.code : code;
}

}  // namespace

void PushDevices::set(const session::ServerSession& session, const session::PendingRequest& pending,
                      const wire::im::PushDevice& device) {
    store::PushChange change;
    change.device = session.device();
    change.service = device.service;
    change.token = device.token;
    change.app = device.app;
    parts_.rows.find({session.user()},
                     [this, pending, change = std::move(change)](const std::vector<im::Row>& rows, errc code) mutable {
                         // The user has a session: a row that is missing is on its way.
                         if (code == errc::ok && rows.front() == 0) code = errc::busy;
                         if (code != errc::ok) return answer(pending, said_of(code));
                         change.user = rows.front();
                         write(pending, std::move(change));
                     });
}

void PushDevices::write(const session::PendingRequest& pending, store::PushChange change) {
    parts_.store.write(batch_of_push(std::move(change)),
                       [this, pending](std::unique_ptr<store::WriteBatch> written, errc code) {
                           answer(pending, said_of(outcome_of_push(*written, code)));
                       });
}

void PushDevices::answer(const session::PendingRequest& pending, errc code) {
    wire::ResponseView response;
    response.code = code;
    if (code != errc::ok) response.text = explain(code);
    if (code == errc::busy || code == errc::storage_full || code == errc::storage_failed)
        response.retry_after_ms = kRegisterAgainMs;
    (void)parts_.table.respond(pending, response, parts_.executor.now());
}

void PushDevices::remove(const std::string& user, const std::string& device, std::function<void(errc code)> done) {
    parts_.rows.find({user}, [this, device, done = std::move(done)](const std::vector<im::Row>& rows, errc code) {
        if (code == errc::ok && rows.front() == 0) code = errc::unknown_target;
        if (code != errc::ok) return done(said_of(code));
        store::PushChange change;
        change.user = rows.front();
        change.device = device;
        parts_.store.write(batch_of_push(std::move(change)),
                           [done](std::unique_ptr<store::WriteBatch> written, errc said) {
                               done(said_of(outcome_of_push(*written, said)));
                           });
    });
}

void PushDevices::forget(const std::string& user) {
    if (parts_.router.home_of(user) != index_) return;
    parts_.rows.find({user}, [this, user](const std::vector<im::Row>& rows, errc code) {
        if (code != errc::ok) return forget_again(user);
        if (rows.front() == 0) return;  // has never been here
        store::PushChange change;
        change.user = rows.front();
        parts_.store.write(batch_of_push(std::move(change)),
                           [this, user](std::unique_ptr<store::WriteBatch> written, errc said) {
                               if (outcome_of_push(*written, said) != errc::ok) forget_again(user);
                           });
    });
}

void PushDevices::forget_again(const std::string& user) {
    if (to_forget_.size() == kMostToForget) {
        base::log().warn("the devices of user {}, who was revoked, still take pushes: the store cannot be written",
                         base::User{user});
        return;
    }
    to_forget_.push_back(user);
    if (again_at_ != session::kNever) return;
    again_at_ = parts_.executor.now() + std::chrono::milliseconds(kRegisterAgainMs);
    parts_.executor.arm_timer();
}

void PushDevices::on_time() {
    if (parts_.executor.now() < again_at_) return;
    again_at_ = session::kNever;
    for (const std::string& each : std::exchange(to_forget_, {})) forget(each);
}

}  // namespace flare::server
