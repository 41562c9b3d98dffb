#include "dialect.hpp"

#include <charconv>
#include <stdexcept>

namespace flare::bench {
namespace {

// Every message comes back as it was.
class Bare final : public Dialect {
public:
    void begin(Sink& sink) override { sink.ready(); }
    void send(std::string_view payload, Sink& sink) override { sink.send(payload); }
    std::size_t take(std::string_view input, Sink& sink) override {
        sink.received(input);
        return input.size();
    }
};

// Engine.IO 4 and Socket.IO 5 over WebSocket: an event, acknowledged with what it carried.
class SocketIo final : public Dialect {
public:
    void begin(Sink&) override {}
    void send(std::string_view payload, Sink& sink) override {
        unit_.assign("42").append(std::to_string(next_++)).append("[\"m\",\"").append(payload).append("\"]");
        sink.send(unit_);
    }
    std::size_t take(std::string_view input, Sink& sink) override {
        if (input.starts_with("0{")) {
            sink.send("40");
        } else if (input.starts_with("40")) {
            sink.ready();
        } else if (input == "2") {
            sink.send("3");
        } else if (input.starts_with("43")) {
            const std::size_t quote = input.find("[\"");
            if (quote == std::string_view::npos || !input.ends_with("\"]"))
                throw std::runtime_error("an acknowledgement of another form");
            sink.received(input.substr(quote + 2, input.size() - quote - 4));
        } else {
            throw std::runtime_error("Socket.IO says " + std::string(input.substr(0, 80)));
        }
        return input.size();
    }

private:
    std::string unit_;
    std::uint64_t next_ = 0;
};

// MQTT 3.1.1, QoS 1 both ways: a topic for each connection.
class Mqtt final : public Dialect {
public:
    explicit Mqtt(std::size_t connection) : topic_("bench/" + std::to_string(connection)) {}
    void begin(Sink& sink) override {
        std::string body = text("MQTT");
        body += '\x04';  // the protocol's level
        body += '\x02';  // a clean session
        body.append(2, '\0');
        body += text(topic_);  // as client id
        packet('\x10', body, sink);
    }
    void send(std::string_view payload, Sink& sink) override {
        unit_.assign(text(topic_));
        append_id(next_id_);
        next_id_ = next_id_ == 0xffff ? 1 : static_cast<std::uint16_t>(next_id_ + 1);
        unit_.append(payload);
        packet('\x32', unit_, sink);
    }
    std::size_t take(std::string_view input, Sink& sink) override {
        std::size_t done = 0;
        for (;;) {
            const std::string_view rest = input.substr(done);
            std::size_t head = 1;
            std::size_t length = 0;
            int shift = 0;
            bool whole = false;
            while (head < rest.size() && !whole) {
                const auto byte = static_cast<unsigned char>(rest[head++]);
                length |= static_cast<std::size_t>(byte & 0x7f) << shift;
                shift += 7;
                whole = (byte & 0x80) == 0;
            }
            if (!whole || rest.size() < head + length) return done;
            take_packet(rest.front(), rest.substr(head, length), sink);
            done += head + length;
        }
    }

private:
    static std::string text(std::string_view value) {
        std::string made{static_cast<char>(value.size() >> 8), static_cast<char>(value.size() & 0xff)};
        return made.append(value);
    }
    void append_id(std::uint16_t id) {
        unit_ += static_cast<char>(id >> 8);
        unit_ += static_cast<char>(id & 0xff);
    }
    void packet(char kind, std::string_view body, Sink& sink) {
        packet_.assign(1, kind);
        std::size_t length = body.size();
        do {
            const auto low = static_cast<char>(length & 0x7f);
            length >>= 7;
            packet_ += length == 0 ? low : static_cast<char>(low | '\x80');
        } while (length != 0);
        packet_.append(body);
        sink.send(packet_);
    }
    void take_packet(char head, std::string_view body, Sink& sink) {
        switch (static_cast<unsigned char>(head) & 0xf0) {
            case 0x20: {
                std::string subscribe{'\0', '\x01'};
                subscribe += text(topic_);
                subscribe += '\x01';
                return packet('\x82', subscribe, sink);
            }
            case 0x90: return sink.ready();
            case 0x40: return;  // PUBACK
            case 0x30: {
                const auto topic = static_cast<std::size_t>(static_cast<unsigned char>(body[0]) << 8 |
                                                            static_cast<unsigned char>(body[1]));
                packet('\x40', body.substr(2 + topic, 2), sink);
                return sink.received(body.substr(4 + topic));
            }
            default: throw std::runtime_error("an MQTT packet of another kind");
        }
    }

    const std::string topic_;
    std::string unit_, packet_;
    std::uint16_t next_id_ = 2;
};

// Core NATS: a subject for each connection. Nothing is acknowledged.
class Nats final : public Dialect {
public:
    explicit Nats(std::size_t connection) : subject_("bench." + std::to_string(connection)) {}
    void begin(Sink&) override {}
    void send(std::string_view payload, Sink& sink) override {
        unit_.assign("PUB ").append(subject_).append(" ").append(std::to_string(payload.size())).append("\r\n");
        unit_.append(payload).append("\r\n");
        sink.send(unit_);
    }
    std::size_t take(std::string_view input, Sink& sink) override {
        std::size_t done = 0;
        for (;;) {
            const std::string_view rest = input.substr(done);
            const std::size_t end = rest.find("\r\n");
            if (end == std::string_view::npos) return done;
            const std::string_view line = rest.substr(0, end);
            std::size_t used = end + 2;
            if (line.starts_with("MSG ")) {
                std::size_t size = 0;
                std::from_chars(line.data() + line.rfind(' ') + 1, line.data() + line.size(), size);
                if (rest.size() < used + size + 2) return done;
                sink.received(rest.substr(used, size));
                used += size + 2;
            } else if (line.starts_with("INFO ")) {
                sink.send("CONNECT {\"verbose\":false,\"pedantic\":false}\r\nSUB " + subject_ + " 1\r\nPING\r\n");
            } else if (line == "PONG") {
                sink.ready();
            } else if (line == "PING") {
                sink.send("PONG\r\n");
            } else {
                throw std::runtime_error("NATS says " + std::string(line));
            }
            done += used;
        }
    }

private:
    const std::string subject_;
    std::string unit_;
};

template <typename Speaker>
std::unique_ptr<Dialect> speak(std::size_t connection) {
    if constexpr (std::is_constructible_v<Speaker, std::size_t>)
        return std::make_unique<Speaker>(connection);
    else
        return std::make_unique<Speaker>();
}

constexpr System kSystems[] = {
    {"websocket", true, "/", "flare.v1", false, speak<Bare>},
    {"ws", true, "/", "", false, speak<Bare>},
    {"socketio", true, "/socket.io/?EIO=4&transport=websocket", "", true, speak<SocketIo>},
    {"mosquitto", false, "", "", false, speak<Mqtt>},
    {"mosquitto-ws", true, "/mqtt", "mqtt", false, speak<Mqtt>},
    {"nats", false, "", "", false, speak<Nats>},
    {"nats-ws", true, "/", "", false, speak<Nats>},
};

}  // namespace

const System& find_system(std::string_view name) {
    for (const System& each : kSystems) {
        if (each.name == name) return each;
    }
    throw std::runtime_error("there is no system " + std::string(name));
}

}  // namespace flare::bench
