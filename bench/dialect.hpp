// How a messaging system is spoken to, as far as an echo needs it: what a client says first, how a message goes and
// comes back. One object for each connection.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace flare::bench {

class Dialect {
public:
    // What a dialect makes and finds.
    class Sink {
    public:
        virtual void send(std::string_view unit) = 0;  // over WebSocket: one message of it
        virtual void ready() = 0;                      // messages may go
        virtual void received(std::string_view payload) = 0;

    protected:
        ~Sink() = default;
    };

    virtual ~Dialect() = default;
    virtual void begin(Sink& sink) = 0;
    // A message that comes back to this connection.
    virtual void send(std::string_view payload, Sink& sink) = 0;
    // `input`: a stretch of the TCP stream, or one WebSocket message. Returns how much of it is done with; the rest
    // comes again in front of what follows. Throws std::runtime_error.
    virtual std::size_t take(std::string_view input, Sink& sink) = 0;
};

struct System {
    const char* name;
    bool websocket;
    const char* path;         // of the WebSocket request
    const char* subprotocol;  // of the WebSocket request; empty: none
    bool text;                // WebSocket messages are text
    std::unique_ptr<Dialect> (*speak)(std::size_t connection);
};

// "websocket" (a bare echo that offers flare.v1), "ws", "socketio", "mosquitto", "mosquitto-ws", "nats", "nats-ws".
// Throws std::runtime_error when there is no such system.
const System& find_system(std::string_view name);

}  // namespace flare::bench
