#include "transport/sealed/sealed.hpp"
#include "wire/seal.hpp"

#include <utility>

namespace flare::transport::sealed {
namespace {

// What moves along when the carrier does.
struct Seals {
    wire::Sealer sealer;
    wire::Opener opener;
};

wire::Batch& batch_of_thread() {
    thread_local wire::Batch batch;
    return batch;
}

std::string& plain_of_thread() {
    thread_local std::string plain;
    return plain;
}

// Nobody vouches for how a connection ends: a stranger in between can write a close code, or make bytes that break the
// transport's rules. What would end a client for good when the server had done it ends this carrier only.
CloseReason unsealed(CloseReason reason) {
    const boost::system::error_code code = reason.code;
    if (!(code == errcond::auth || code == errcond::protocol || code == errcond::config)) return reason;
    reason.text = std::string(name(reason.code)) + ": " + reason.text;
    reason.code = reason.by_peer ? errc::closed_by_peer : errc::connection_lost;
    return reason;
}

class SealedCarrier final : public Carrier, private CarrierHandler {
public:
    SealedCarrier(std::unique_ptr<Carrier> inside, Seals seals)
        : inside_(std::move(inside)), seals_(std::move(seals)) {}

    void set_handler(CarrierHandler* handler) override {
        handler_ = handler;
        inside_->set_handler(handler == nullptr ? nullptr : this);
    }
    bool writable() const override { return !broken_ && inside_->writable(); }
    void send(const wire::Batch& batch) override {
        if (!writable()) return;
        wire::Batch& sealed = batch_of_thread();
        sealed.clear();
        seals_.sealer.seal(batch, sealed);
        inside_->send(sealed);
    }
    void pause_reading(bool paused) override { inside_->pause_reading(paused); }
    void close(errc code, std::string_view text, std::chrono::milliseconds limit) override {
        closing_ = true;
        inside_->close(code, text, limit);
    }
    std::unique_ptr<ParkedCarrier> park() override;
    const CarrierInfo& info() const override { return inside_->info(); }
    const CarrierStats& stats() const override { return inside_->stats(); }
    PathFigures path() const override { return inside_->path(); }
    std::size_t held_bytes() const noexcept override { return inside_->held_bytes(); }
    bool sealed() const noexcept override { return true; }
    Carrier& bare() noexcept override { return inside_->bare(); }
    bool lanes_apart() const noexcept override { return inside_->lanes_apart(); }
    void hold_lanes() override { inside_->hold_lanes(); }

private:
    void on_batch(std::string_view batch) override {
        if (broken_) return;
        // Taken for the time of the call, in which this object may go.
        std::string plain = std::exchange(plain_of_thread(), {});
        const auto opened = seals_.opener.open(batch, plain);
        if (opened) {
            if (!plain.empty()) handler_->on_batch(plain);
        } else {
            broken_ = true;
            inside_->close(errc::seal_broken, explain(errc::seal_broken), std::chrono::milliseconds(500));
        }
        plain_of_thread() = std::move(plain);
    }
    void on_unreachable() override { handler_->on_unreachable(); }
    void on_turn_end() override { handler_->on_turn_end(); }
    void on_writable() override { handler_->on_writable(); }
    void on_confirmed() override { handler_->on_confirmed(); }
    void on_closed(const CloseReason& reason) override {
        std::exchange(handler_, nullptr)->on_closed(closing_ ? reason : unsealed(reason));
    }

    std::unique_ptr<Carrier> inside_;
    CarrierHandler* handler_ = nullptr;  // while it is set, this is the handler of the carrier inside
    Seals seals_;
    bool broken_ = false;
    bool closing_ = false;  // close() was called
};

class ParkedSealed final : public ParkedCarrier {
public:
    ParkedSealed(std::unique_ptr<ParkedCarrier> inside, Seals seals)
        : inside_(std::move(inside)), seals_(std::move(seals)) {}

    std::unique_ptr<Carrier> resume(boost::asio::io_context& context) && override {
        return std::make_unique<SealedCarrier>(std::move(*inside_).resume(context), std::move(seals_));
    }

private:
    std::unique_ptr<ParkedCarrier> inside_;
    Seals seals_;
};

std::unique_ptr<ParkedCarrier> SealedCarrier::park() {
    if (broken_) return nullptr;
    std::unique_ptr<ParkedCarrier> parked = inside_->park();
    if (!parked) return nullptr;
    return std::make_unique<ParkedSealed>(std::move(parked), std::move(seals_));
}

}  // namespace

std::unique_ptr<Carrier> make_carrier(std::unique_ptr<Carrier> inside, const wire::SealKeys& keys) {
    const bool apart = inside->lanes_apart();
    return std::make_unique<SealedCarrier>(std::move(inside),
                                           Seals{wire::Sealer(keys.send, apart), wire::Opener(keys.receive)});
}

}  // namespace flare::transport::sealed
