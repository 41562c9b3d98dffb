#include "transport/memory/memory.hpp"

#include <boost/asio/post.hpp>

#include <deque>
#include <string>
#include <utility>

namespace flare::transport::memory {
namespace {

class End;

// Both directions of one pair, and what joins the ends. An end that was destroyed leaves a null pointer.
struct Pipe {
    struct Direction {
        std::deque<std::string> batches;
        std::size_t bytes = 0;
        bool closed = false;  // the sender has said its last word; `reason` comes after the batches
        CloseReason reason;
    };
    explicit Pipe(boost::asio::io_context& context_, Options options_) : context(context_), options(options_) {}

    boost::asio::io_context& context;
    Options options;
    Direction to[2];  // to[i]: what end i receives
    End* ends[2] = {nullptr, nullptr};
    bool turn_posted[2] = {false, false};
};

class End final : public Carrier {
public:
    End(std::shared_ptr<Pipe> pipe, int side) : pipe_(std::move(pipe)), side_(side) {
        pipe_->ends[side_] = this;
        info_.peer_address = info_.local_address = "memory";
    }
    ~End() override {
        pipe_->ends[side_] = nullptr;
        incoming().batches.clear();
        if (!outgoing().closed) {
            outgoing().closed = true;
            outgoing().reason = {errc::connection_lost, "the other end was destroyed", true};
        }
        post_turn(pipe_, 1 - side_);
    }
    End(const End&) = delete;
    End& operator=(const End&) = delete;

    void set_handler(CarrierHandler* handler) override {
        handler_ = handler;
        post_turn(pipe_, side_);
    }
    bool writable() const override { return !closing_ && !ended_ && outgoing().bytes < pipe_->options.buffer_bytes; }
    void send(const wire::Batch& batch) override {
        if (!writable()) return;
        outgoing().batches.push_back(batch.str());
        const std::size_t bytes = outgoing().batches.back().size();
        outgoing().bytes += bytes;
        stats_.bytes_out += bytes;
        ++stats_.batches_out;
        full_ = outgoing().bytes >= pipe_->options.buffer_bytes;
        post_turn(pipe_, 1 - side_);
    }
    void pause_reading(bool paused) override {
        paused_ = paused;
        if (!paused) post_turn(pipe_, side_);
    }
    // A pair has no closing handshake that could hang: both ends hear of it as soon as the batches before it are
    // taken, or are thrown away because this end is the one that closes.
    void close(errc code, std::string_view text, std::chrono::milliseconds /*limit*/) override {
        if (closing_ || ended_) return;
        closing_ = true;
        own_reason_ = {code, std::string(text), false};
        if (!outgoing().closed) {
            outgoing().closed = true;
            outgoing().reason = {code, std::string(text), true};
        }
        incoming().batches.clear();
        incoming().bytes = 0;
        post_turn(pipe_, side_);
        post_turn(pipe_, 1 - side_);
    }
    std::unique_ptr<ParkedCarrier> park() override { return nullptr; }
    const CarrierInfo& info() const override { return info_; }
    const CarrierStats& stats() const override { return stats_; }

private:
    Pipe::Direction& incoming() const { return pipe_->to[side_]; }
    Pipe::Direction& outgoing() const { return pipe_->to[1 - side_]; }

    static void post_turn(const std::shared_ptr<Pipe>& pipe, int side) {
        if (pipe->turn_posted[side] || pipe->ends[side] == nullptr) return;
        pipe->turn_posted[side] = true;
        boost::asio::post(pipe->context, [pipe, side] {
            pipe->turn_posted[side] = false;
            if (End* const end = pipe->ends[side]) end->turn(pipe, side);
        });
    }

    // Static in all but name: any callback may destroy this object, so it looks itself up again after each.
    void turn(const std::shared_ptr<Pipe>& pipe, int side) {
        const auto alive = [&] { return pipe->ends[side] == this; };
        Pipe::Direction& direction = pipe->to[side];
        while (alive() && handler_ != nullptr && !paused_ && !closing_ && !direction.batches.empty()) {
            const std::string batch = std::move(direction.batches.front());
            direction.batches.pop_front();
            direction.bytes -= batch.size();
            stats_.bytes_in += batch.size();
            ++stats_.batches_in;
            End* const sender = pipe->ends[1 - side];
            if (sender != nullptr && sender->full_ && sender->writable()) post_turn(pipe, 1 - side);
            handler_->on_batch(batch);
        }
        if (!alive() || handler_ == nullptr || ended_) return;
        if (full_ && writable()) {
            full_ = false;
            handler_->on_writable();
            if (!alive() || handler_ == nullptr || ended_) return;
        }
        if (closing_) return finish(own_reason_);
        if (direction.closed && direction.batches.empty()) {
            const CloseReason reason = direction.reason;
            if (!outgoing().closed) {
                outgoing().closed = true;  // the answer of the closing handshake; the other end has ended already
                outgoing().reason = {errc::ok, {}, true};
            }
            finish(reason);
        }
    }

    void finish(const CloseReason& reason) {
        ended_ = true;
        std::exchange(handler_, nullptr)->on_closed(CloseReason(reason));
    }

    std::shared_ptr<Pipe> pipe_;
    int side_;
    CarrierHandler* handler_ = nullptr;
    CarrierInfo info_;
    CarrierStats stats_;
    CloseReason own_reason_;
    bool paused_ = false;
    bool closing_ = false;
    bool ended_ = false;
    bool full_ = false;  // writable() has been false since the last on_writable()
};

}  // namespace

std::pair<std::unique_ptr<Carrier>, std::unique_ptr<Carrier>> make_pair(boost::asio::io_context& context,
                                                                        Options options) {
    const auto pipe = std::make_shared<Pipe>(context, options);
    auto first = std::make_unique<End>(pipe, 0);
    auto second = std::make_unique<End>(pipe, 1);
    return {std::move(first), std::move(second)};
}

}  // namespace flare::transport::memory
