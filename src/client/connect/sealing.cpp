#include "client/connect/sealing.hpp"

#include "base/random.hpp"
#include "transport/sealed/sealed.hpp"
#include "transport/tls/signed_key.hpp"
#include "wire/seal.hpp"

#include <flare/printable.hpp>

#include <utility>

namespace flare::client {

SealAttempt::SealAttempt(boost::asio::io_context& context, std::unique_ptr<transport::Carrier> carrier,
                         const Sealing& sealing, Server server, std::chrono::milliseconds limit,
                         std::function<void(Outcome)> done)
    : carrier_(std::move(carrier)),
      sealing_(sealing),
      server_(std::move(server)),
      done_(std::move(done)),
      timer_(context, limit) {
    carrier_->set_handler(this);
    timer_.async_wait([this, alive = std::weak_ptr<void>(alive_)](const boost::system::error_code& error) {
        if (error || alive.expired() || !done_) return;
        fail(Failure(errc::connect_timeout, "the server does not answer the sealing handshake"));
    });
    if (sealing_.pinned) {
        shake_hands(*sealing_.pinned);
    } else if (const auto known = sealing_.known->find(server_.address); known != sealing_.known->end()) {
        from_memory_ = true;
        shake_hands(known->second);
    } else {
        ask_for_key();
    }
}

SealAttempt::~SealAttempt() = default;

void SealAttempt::on_batch(std::string_view batch) {
    if (!done_) return;
    const auto seal = wire::read_seal(batch);
    if (!seal) return take_refusal(batch);
    nonce_.empty() ? take_answer(*seal) : take_key(*seal);
}

void SealAttempt::ask_for_key() {
    nonce_ = base::system_random().bytes(wire::kSealNonceBytes);
    wire::Seal seal;
    seal.nonce = nonce_;
    send(seal);
}

void SealAttempt::take_key(const wire::Seal& seal) {
    const auto key = base::key_of(seal.key);
    if (!key) return fail(Failure(errc::encryption_unavailable, "the server's answer has no sealing key"));
    const auto trusted = transport::tls::verify_key(*sealing_.trust, server_.name, nonce_, seal.key,
                                                    {seal.certificates, seal.signature});
    if (!trusted) return fail(trusted.error());
    nonce_.clear();
    (*sealing_.known)[server_.address] = *key;
    shake_hands(*key);
}

void SealAttempt::shake_hands(const wire::Key& server) {
    noise_ = wire::NoiseNk::client(wire::kSealPrologue, server, wire::KeyPair::made(base::system_random()));
    auto message = noise_->write({});
    if (!message) return fail(Failure(errc::server_key_mismatch, "the server's sealing key is not an X25519 key"));
    wire::Seal seal;
    seal.handshake = std::move(*message);
    send(seal);
}

void SealAttempt::take_answer(const wire::Seal& seal) {
    if (!noise_ || !noise_->read(seal.handshake)) return fail(errc::server_key_mismatch);
    // What the server sends on lanes of their own must not be read before its Welcome.
    carrier_->hold_lanes();
    Outcome outcome;
    outcome.carrier = transport::sealed::make_carrier(std::move(carrier_), noise_->keys());
    finish(std::move(outcome));
}

// It is in the clear, so anybody may have said it: it can only end the attempt.
void SealAttempt::take_refusal(std::string_view batch) {
    wire::BatchReader reader(batch);
    wire::FrameView frame;
    std::string text = "the server does not support sealing";
    if (!reader.done() && reader.next(frame) && frame.kind == wire::FrameKind::refused) {
        auto refused = wire::decode_refused(frame.body);
        if (refused) refused->text = printable(refused->text, wire::kMaxTextBytes);
        if (refused && refused->code == errc::server_key_mismatch) return fail(errc::server_key_mismatch);
        if (refused && boost::system::error_code(refused->code) == errcond::retryable)
            return fail(Failure(refused->code, refused->text));
        if (refused && refused->code == errc::encryption_unavailable) text = refused->text;
    }
    fail(Failure(errc::encryption_unavailable, std::string(explain(errc::encryption_unavailable)) + " (" + text + ")"));
}

void SealAttempt::on_closed(const transport::CloseReason& reason) {
    if (!done_) return;
    const boost::system::error_code code = reason.code;
    const bool later = reason.code == errc::ok || code == errcond::retryable;
    fail(Failure(later ? errc::connection_lost : errc::encryption_unavailable,
                 "the connection ended before it was sealed: " + reason.text));
}

void SealAttempt::send(const wire::Seal& seal) {
    ++round_trips_;
    wire::Batch batch;
    wire::add_seal(batch, seal);
    carrier_->send(batch);
}

void SealAttempt::fail(Failure failure) {
    Outcome outcome;
    outcome.again = failure.code == errc::server_key_mismatch && from_memory_;
    if (outcome.again) sealing_.known->erase(server_.address);
    outcome.failure = std::move(failure);
    finish(std::move(outcome));
}

void SealAttempt::finish(Outcome outcome) {
    timer_.cancel();
    if (carrier_) carrier_->set_handler(nullptr);
    const std::unique_ptr<transport::Carrier> dropped = std::move(carrier_);  // now, not with this object
    outcome.round_trips = round_trips_;
    const auto done = std::exchange(done_, nullptr);
    if (done) done(std::move(outcome));
}

}  // namespace flare::client
