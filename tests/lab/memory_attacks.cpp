#include "lab/memory_attacks.hpp"

#include "lab/lab.hpp"

#include "base/place.hpp"
#include "transport/quic/quic.hpp"
#include "wire/batch.hpp"

#include <flare/client.hpp>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <deque>
#include <list>
#include <memory>
#include <thread>

namespace flare::lab {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

constexpr std::size_t kSockets = 9000;          // of the 20,000 files that a process may have
constexpr std::size_t kLaneBytes = 900'000;     // that a lane of four takes before it gives credit again
constexpr std::size_t kPieceBytes = 16 * 1024;  // of a chunked message
constexpr std::size_t kNameBytes = 250;         // about the longest name
constexpr std::size_t kMessageBytes = 90 * 1000;

// A connection that says what it likes, and reads next to nothing.
class Raw {
public:
    Raw() : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        const timeval patience{1, 0};
        ::setsockopt(fd_, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
        ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
        const linger reset{1, 0};  // nothing lingers, here or there
        ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
        sockaddr_in to{};
        to.sin_family = AF_INET;
        to.sin_port = htons(kOtherWebsocketPort);
        to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        good_ = ::connect(fd_, reinterpret_cast<sockaddr*>(&to), sizeof to) == 0;
    }
    ~Raw() { ::close(fd_); }
    Raw(const Raw&) = delete;
    Raw& operator=(const Raw&) = delete;

    bool good() const noexcept { return good_; }
    void send(std::string_view bytes) {
        while (good_ && !bytes.empty()) {
            const ssize_t sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
            good_ = sent > 0;
            if (good_) bytes.remove_prefix(static_cast<std::size_t>(sent));
        }
    }
    void upgrade() {
        send(
            "GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
            "Sec-WebSocket-Protocol: flare.v1\r\n\r\n");
    }
    // Until the server has said so much, or nothing for a second.
    void hear(std::size_t bytes) {
        char buffer[4096];
        for (std::size_t heard = 0; heard < bytes;) {
            const ssize_t got = ::recv(fd_, buffer, sizeof buffer, 0);
            if (got <= 0) return;
            heard += static_cast<std::size_t>(got);
        }
    }
    // A WebSocket message, masked with zeros; of `announced` bytes, if that is more than there are.
    void message(std::string_view payload, std::size_t announced = 0) {
        const std::size_t size = std::max(announced, payload.size());
        const std::size_t length = size < 126 ? 0 : size < 65'536 ? 2 : 8;  // as short as can be, or it is refused
        std::string head{'\x82', static_cast<char>(0x80 | (length == 0 ? size : length == 2 ? 126 : 127))};
        for (std::size_t i = length; i-- > 0;) head.push_back(static_cast<char>(size >> (8 * i)));
        send(head + std::string(4, '\0'));
        send(payload);
    }

private:
    int fd_;
    bool good_ = false;
};

std::string hello(const std::string& user, const std::string& device = "raw") {
    wire::Hello hello;
    hello.user = user;
    hello.device = device;
    hello.attempt_id = Uuid::v7();
    hello.epoch = 1;
    wire::Batch batch;
    batch.add({}, wire::encode(hello));
    return batch.str();
}

std::string long_name(const std::string& beginning) {
    std::string name = beginning;
    name.resize(kNameBytes, 'n');
    return name;
}

// A session that is there and reads nothing.
std::unique_ptr<Raw> session(const std::string& user) {
    auto made = std::make_unique<Raw>();
    made->upgrade();
    made->message(hello(user));
    return made;
}

// What a session may say at once: as much as four lanes take, messages of this type to `to`.
void speak(Raw& peer, const std::string& to, const std::string& type) {
    const std::string payload(kMessageBytes, 'x');
    for (wire::LaneIndex lane = 0; lane < 4; ++lane) {
        for (std::size_t i = 0; i < kLaneBytes / kMessageBytes; ++i) {
            wire::MessageView view;
            view.id = Uuid::v7();
            view.type = type;
            view.payload = payload;
            view.to = to;
            wire::DataView data;
            data.message = view;
            wire::FrameHeader header;
            header.lane = lane;
            header.seq = i + 1;
            wire::Batch batch;
            batch.add(header, wire::encode(data));
            peer.message(batch.str());
        }
    }
}

bool over(const Victim& victim) { return Clock::now() >= victim.until; }
void hold(const Victim& victim) { std::this_thread::sleep_until(victim.until); }

// ---- the attacks ----

void unfinished_messages(const Victim& victim) {
    std::list<std::unique_ptr<Raw>> peers;
    const std::string most(1'000'000, 'x');
    const std::string fits(120'000, 'x');
    for (int i = 0; i < 500 && !over(victim); ++i) {
        peers.push_back(std::make_unique<Raw>());  // before Hello: as long as any batch
        peers.back()->upgrade();
        peers.back()->message(most, most.size() + 1);
        peers.push_back(std::make_unique<Raw>());  // as long as a first one
        peers.back()->upgrade();
        peers.back()->message(fits, fits.size() + 1);
        peers.push_back(session("unfinished-" + std::to_string(i)));
        peers.back()->message(most, most.size() + 1);
    }
    hold(victim);
}

class Deaf final : public transport::CarrierHandler {
public:
    void on_batch(std::string_view) override {}
    void on_writable() override {}
    void on_closed(const transport::CloseReason&) override {}
};

// QUIC clients of this library, whose carriers say what they like.
class Carriers {
public:
    explicit Carriers(const Victim& victim)
        : keys_(transport::quic::ClientContext::load({victim.authority_file, "", ""}, {transport::quic::kAlpn}, nullptr)
                    .value()) {}

    void connect(const std::string& user, bool alone) {
        transport::quic::ConnectTarget target;
        target.endpoint = {boost::asio::ip::address_v4::loopback(), kOtherQuicPort};
        target.server_name = "localhost";
        target.place = base::place_of(user);
        target.share_socket = !alone;
        ++under_way_;
        transport::quic::Options options;
        options.tickets = false;
        attempts_.push_back(transport::quic::connect(
            context_, target, keys_, options,
            [this, user](std::unique_ptr<transport::Carrier> carrier, const transport::quic::ConnectError&) {
                --under_way_;
                if (!carrier) return;
                carrier->set_handler(&deaf_);
                wire::Hello hello;
                hello.user = user;
                hello.device = "raw";
                hello.attempt_id = Uuid::v7();
                hello.epoch = 1;
                wire::Batch batch;
                batch.add({}, wire::encode(hello));
                carrier->send(batch);
                carriers.push_back(std::move(carrier));
            }));
    }
    void run(std::chrono::milliseconds time) {
        context_.restart();
        context_.run_for(time);
    }
    std::size_t under_way() const noexcept { return under_way_; }

private:
    boost::asio::io_context context_{1};
    std::shared_ptr<transport::quic::ClientContext> keys_;
    Deaf deaf_;
    std::list<std::unique_ptr<transport::quic::ConnectAttempt>> attempts_;
    std::size_t under_way_ = 0;

public:
    std::vector<std::unique_ptr<transport::Carrier>> carriers;
};

// A part of a megabyte on each lane, none of which comes to its end.
void unfinished_lanes(const Victim& victim) {
    wire::Batch batch;
    const Bytes piece(std::string(kPieceBytes, 'x'));
    for (wire::LaneIndex lane = 0; lane < wire::kMaxLanes; ++lane) {
        for (std::size_t i = 0; i < 1'000'000 / kPieceBytes; ++i) {
            wire::FrameHeader header;
            header.lane = lane;
            header.seq = i + 1;
            batch.add_chunk(header, i == 0 ? 10'000'000 : 0, piece);
        }
    }
    // All lanes go on side by side: the first carrier shows how long the whole of it takes, the others stop before.
    std::list<Carriers> all;
    int turns = 0;
    for (int i = 0; i < 40 && !over(victim); ++i) {
        Carriers& one = all.emplace_back(victim);
        one.connect("lanes-" + std::to_string(i), true);
        for (int wait = 0; wait < 100 && one.under_way() != 0; ++wait) one.run(10ms);
        if (one.carriers.empty()) continue;
        transport::Carrier& carrier = *one.carriers.front();
        carrier.send(batch);
        const bool first = turns == 0;
        for (int turn = 0; !over(victim) && !carrier.writable() && (first || turn < turns * 2 / 3); ++turn) {
            one.run(1ms);
            turns += first ? 1 : 0;
        }
    }
    hold(victim);
}

void connections(const Victim& victim) {
    Carriers all(victim);
    for (int i = 0; !over(victim); ++i) {
        if (i < 6000) all.connect(long_name("quic-" + std::to_string(i) + "-"), false);
        if (i % 50 == 49) all.run(i < 6000 ? 10ms : 100ms);
        for (int wait = 0; wait < 20 && all.under_way() > 200; ++wait) all.run(10ms);
    }
}

// Every other one of one user with another device, and of another user.
void devices(const Victim& victim) {
    std::deque<std::unique_ptr<Raw>> peers;
    for (std::size_t i = 0; !over(victim); ++i) {
        const std::string name = long_name(std::to_string(i) + "-");
        auto& peer = peers.emplace_back(std::make_unique<Raw>());
        peer->upgrade();
        peer->message(i % 2 == 0 ? hello("one", name) : hello(name, name));
        if (peers.size() < 200) continue;
        peers.front()->hear(300);  // the answers to the upgrade and to Hello
        peers.pop_front();
    }
}

void handlers(const Victim& victim) {
    std::list<std::unique_ptr<Raw>> peers;
    for (int i = 0; i < 100 && !over(victim); ++i) {
        peers.push_back(session("sender-" + std::to_string(i)));
        speak(*peers.back(), "server", "slow");
    }
    hold(victim);
}

void sleepers(const Victim& victim) {
    std::list<std::unique_ptr<Raw>> peers;
    for (int i = 0; i < 50; ++i) peers.push_back(session("sleeper-" + std::to_string(i)));
    Carriers over_quic(victim);
    for (int i = 0; i < 50; ++i) over_quic.connect("sleeper-" + std::to_string(50 + i), false);
    for (int i = 0; i < 30 && over_quic.under_way() != 0; ++i) over_quic.run(10ms);
    for (int i = 0; i < 100 && !over(victim); ++i) {
        peers.push_back(session("sender-" + std::to_string(i)));
        speak(*peers.back(), "sleeper-" + std::to_string(i), "text");
    }
    hold(victim);
}

void unfinished_chunks(const Victim& victim) {
    std::list<std::unique_ptr<Raw>> peers;
    const Bytes piece(std::string(kPieceBytes, 'x'));
    for (int i = 0; i < 100 && !over(victim); ++i) {
        peers.push_back(session("chunks-" + std::to_string(i)));
        for (std::size_t j = 0; j < kLaneBytes / kPieceBytes; ++j) {
            wire::Batch batch;
            for (wire::LaneIndex lane = 0; lane < 4; ++lane) {
                wire::FrameHeader header;
                header.lane = lane;
                header.seq = j + 1;
                batch.add_chunk(header, j == 0 ? 15u << 20 : 0, piece);
            }
            peers.back()->message(batch.str());
        }
    }
    hold(victim);
}

void bombs(const Victim& victim) {
    const Message bomb("bomb", Bytes(std::string(16'000'000, 'x')));
    std::list<Client> clients;
    for (int i = 0; i < 30 && !over(victim); ++i) {
        auto client = ClientBuilder("bomber-" + std::to_string(i))
                          .server_addresses(ServerAddresses().with_websocket_url("ws://localhost:" +
                                                                                 std::to_string(kOtherWebsocketPort)))
                          .compression(true)
                          .build();
        if (!client || !client->connect()) continue;
        clients.push_back(std::move(*client));
    }
    while (!over(victim)) {
        for (Client& client : clients) (void)client.post_message("server", bomb);
        std::this_thread::sleep_for(500ms);
    }
}

void upgrades(const Victim& victim) {
    std::list<Raw> peers;
    const std::string header = "GET / HTTP/1.1\r\nHost: localhost\r\nX: " + std::string(15'900, 'x');
    while (!over(victim)) {
        if (peers.size() >= kSockets) peers.pop_front();
        peers.emplace_back().send(header);
    }
}

// What a TLS client says first.
std::string client_hello() {
    const std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context(SSL_CTX_new(TLS_client_method()), SSL_CTX_free);
    const std::unique_ptr<SSL, decltype(&SSL_free)> session(SSL_new(context.get()), SSL_free);
    BIO* const said = BIO_new(BIO_s_mem());
    SSL_set_bio(session.get(), BIO_new(BIO_s_mem()), said);
    SSL_set_connect_state(session.get());
    (void)SSL_do_handshake(session.get());
    char bytes[4096];
    const int size = BIO_read(said, bytes, sizeof bytes);
    return size > 0 ? std::string(bytes, static_cast<std::size_t>(size)) : std::string();
}

void tls_handshakes(const Victim& victim) {
    std::list<Raw> peers;
    const std::string first = client_hello();
    while (!over(victim)) {
        if (peers.size() >= kSockets) peers.pop_front();
        peers.emplace_back().send(first);
    }
}

}  // namespace

const std::vector<Attack>& memory_attacks() {
    static const std::vector<Attack> all = {
        {"unfinished_messages", Served::ready, unfinished_messages,
         "WebSocket messages that never end, before Hello and after it"},
        {"unfinished_lanes", Served::ready, unfinished_lanes, "QUIC: a batch that never ends on each of 16 lanes"},
        {"unfinished_chunks", Served::ready, unfinished_chunks, "large messages in pieces, on four lanes, never whole"},
        {"upgrades", Served::ready, upgrades, "HTTP requests with long headers that never end"},
        {"tls_handshakes", Served::ready_tls, tls_handshakes, "TLS handshakes that never end"},
        {"connections", Served::ready, connections, "QUIC connections with a session each"},
        {"devices", Served::ready, devices, "sessions of one user with changing devices, and of changing users"},
        {"handlers", Served::slow_handlers, handlers, "messages that wait for a slow handler"},
        {"sleepers", Served::ready, sleepers, "messages for sessions that read nothing, over WebSocket and QUIC"},
        {"bombs", Served::ready, bombs, "messages that are small on the wire and 16 MB when they are inflated"},
    };
    return all;
}

}  // namespace flare::lab
