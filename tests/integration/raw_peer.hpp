// A peer that speaks WebSocket correctly and Flare as it likes.
#pragma once

#include "support/event_loop.hpp"
#include "transport/websocket/websocket.hpp"
#include "wire/batch.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace flare::test {

class RawPeer final : private transport::CarrierHandler {
public:
    // `address`: "127.0.0.1:4000". Fails the test when there is no connection; see carrier().
    explicit RawPeer(const std::string& address, transport::WireFormat format = transport::WireFormat::protobuf) {
        const std::size_t colon = address.rfind(':');
        transport::websocket::ConnectTarget target;
        target.endpoint = {boost::asio::ip::make_address(address.substr(0, colon)),
                           static_cast<std::uint16_t>(std::stoi(address.substr(colon + 1)))};
        target.host_header = address;
        target.format = format;
        bool done = false;
        attempt_ = transport::websocket::connect(
            context_, target, nullptr, {},
            [&](std::unique_ptr<transport::Carrier> carrier, const transport::websocket::ConnectError& error) {
                carrier_ = std::move(carrier);
                error_ = error.code;
                done = true;
                if (carrier_) carrier_->set_handler(this);
            });
        EXPECT_TRUE(run_until(context_, [&] { return done; }));
    }

    transport::Carrier* carrier() { return carrier_.get(); }
    errc connect_error() const { return error_; }

    // One frame with these bytes in it, whatever they are.
    void send_frame(std::string_view bytes) {
        wire::Body body;
        body.bytes = Bytes(bytes);
        send({}, body);
    }
    void send(const wire::FrameHeader& header, const wire::Body& body) {
        wire::Batch batch;
        batch.add(header, body);
        carrier_->send(batch);
    }
    // Says Hello as `user` and returns the answer's kind; the Welcome, if it is one, is in `welcome`.
    wire::FrameKind hello(wire::Hello hello) {
        send({}, wire::encode(hello));
        if (!wait([&] { return !batches.empty() || closed; }) || batches.empty()) return wire::FrameKind::none;
        const wire::FrameView frame = first_frame();
        if (frame.kind == wire::FrameKind::welcome) welcome = *wire::decode_welcome(frame.body);
        if (frame.kind == wire::FrameKind::refused) refused = *wire::decode_refused(frame.body);
        return frame.kind;
    }
    static wire::Hello hello_of(const std::string& user) {
        wire::Hello hello;
        hello.user = user;
        hello.device = "raw";
        hello.attempt_id = Uuid::v7();
        hello.epoch = 1;
        return hello;
    }
    wire::FrameView first_frame() const {
        wire::BatchReader reader(batches.front());
        wire::FrameView frame;
        EXPECT_TRUE(reader.next(frame));
        return frame;
    }
    bool wait(const std::function<bool()>& condition) { return run_until(context_, condition); }
    // What the server closed with; internal: it did not.
    errc closed_with() {
        wait([&] { return closed.has_value(); });
        return closed ? closed->code : errc::internal;
    }

    std::vector<std::string> batches;
    std::optional<transport::CloseReason> closed;
    std::optional<wire::Welcome> welcome;
    std::optional<wire::Refused> refused;

private:
    void on_batch(std::string_view batch) override { batches.emplace_back(batch); }
    void on_writable() override {}
    void on_closed(const transport::CloseReason& reason) override { closed = reason; }

    boost::asio::io_context context_{1};
    std::unique_ptr<transport::websocket::ConnectAttempt> attempt_;
    std::unique_ptr<transport::Carrier> carrier_;
    errc error_ = errc::ok;
};

}  // namespace flare::test
