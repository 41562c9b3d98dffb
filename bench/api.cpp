// The server API: messages of a back-end, each in its log before it is answered, spread over many conversations. In
// batches of 100, one by one over kept connections, and one by one at a given rate, with the time until each is
// answered.
//
// Options: --conversations N (default 1,000), --connections N (one by one; default 64), --seconds S (of each part;
// default 5), --rate R (default 1,000 a second), --workers W (default 1), --json. No rate of the server holds it.
#include "bench.hpp"
#include "free_port.hpp"
#include "server_process.hpp"
#include "stats.hpp"

#include "auth/api_keys.hpp"
#include "base/random.hpp"

#include <flare/server.hpp>

#include <boost/asio/buffer.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>

#include <algorithm>
#include <cstdio>
#include <deque>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

namespace flare::bench {
namespace {

using boost::asio::ip::tcp;

constexpr std::size_t kBatch = 100;
constexpr std::size_t kBatchConnections = 4;
constexpr std::size_t kTextBytes = 100;
constexpr double kNsInMs = 1e6;

struct ApiShape {
    std::size_t conversations = 1000;
    std::size_t connections = 64;
    std::size_t rate = 1000;
    std::chrono::seconds time{5};
};

// A connection that is kept: it asks when it is told to, one request at a time.
class Caller {
public:
    Caller(boost::asio::io_context& context, std::uint16_t port, const std::string& key)
        : socket_(context), head_("\r\nHost: localhost\r\nAuthorization: Bearer " + key + "\r\nContent-Length: ") {
        socket_.connect(tcp::endpoint(boost::asio::ip::address_v4::loopback(), port));
        socket_.set_option(tcp::no_delay(true));
    }
    // `done`: it was answered with 200. Anything else ends the benchmark.
    void post(const char* path, const std::string& body, std::function<void()> done) {
        done_ = std::move(done);
        request_ = "POST ";
        request_.append(path).append(" HTTP/1.1").append(head_).append(std::to_string(body.size()));
        request_.append("\r\n\r\n").append(body);
        boost::asio::async_write(socket_, boost::asio::buffer(request_), [this](auto error, std::size_t) {
            if (error) throw std::runtime_error("api: " + error.message());
            read();
        });
    }

private:
    void read() {
        boost::asio::async_read_until(socket_, boost::asio::dynamic_buffer(answer_), "\r\n\r\n",
                                      [this](auto error, std::size_t head) {
                                          if (error) throw std::runtime_error("api: " + error.message());
                                          read_body(head);
                                      });
    }
    void read_body(std::size_t head) {
        if (!answer_.starts_with("HTTP/1.1 200")) throw std::runtime_error("api: " + answer_.substr(0, 2000));
        const std::string length = "Content-Length: ";
        const std::size_t size =
            head + std::strtoull(answer_.c_str() + answer_.find(length) + length.size(), nullptr, 10);
        const auto whole = [this, size](auto error, std::size_t) {
            if (error) throw std::runtime_error("api: " + error.message());
            if (answer_.find("\"error\"") != answer_.npos) throw std::runtime_error("api: a message was refused");
            answer_.erase(0, size);
            std::exchange(done_, {})();
        };
        if (answer_.size() >= size) return whole(boost::system::error_code(), 0);
        boost::asio::async_read(socket_, boost::asio::dynamic_buffer(answer_),
                                boost::asio::transfer_exactly(size - answer_.size()), whole);
    }

    tcp::socket socket_;
    const std::string head_;
    std::string request_;
    std::string answer_;
    std::function<void()> done_;
};

class ApiLoad {
public:
    ApiLoad(const ApiShape& shape, std::uint16_t port, const std::string& key) : shape_(shape), port_(port), key_(key) {
        const std::string text(kTextBytes, 'x');
        for (std::size_t i = 0; i < shape.conversations; ++i)
            messages_.push_back(R"({"to":"user)" + std::to_string(i) + R"(","text":")" + text + "\"}");
        for (std::size_t first = 0; first < shape.conversations; first += kBatch) {
            std::string batch = R"({"messages":[)";
            for (std::size_t i = 0; i < kBatch; ++i)
                batch.append(i == 0 ? "" : ",").append(messages_[(first + i) % shape.conversations]);
            batches_.push_back(batch + "]}");
        }
    }
    // The conversations are made.
    void begin() {
        connect(1);
        for (const std::string& batch : batches_) {
            bool done = false;
            callers_.front()->post("/v1/messages/batch", batch, [&] { done = true; });
            while (!done) context_.run_one();
        }
    }
    // Each connection asks again when it is answered. Returns messages a second.
    double at_once(bool in_batches) {
        connect(in_batches ? kBatchConnections : shape_.connections);
        const std::uint64_t began = now_ns();
        const std::uint64_t end = began + static_cast<std::uint64_t>(std::chrono::nanoseconds(shape_.time).count());
        std::size_t answered = 0;
        std::size_t under_way = 0;
        const auto& bodies = in_batches ? batches_ : messages_;
        const char* const path = in_batches ? "/v1/messages/batch" : "/v1/messages";
        std::function<void(Caller&)> ask = [&](Caller& caller) {
            if (now_ns() >= end) return;
            ++under_way;
            caller.post(path, bodies[next_++ % bodies.size()], [&] {
                --under_way;
                ++answered;
                ask(caller);
            });
        };
        for (const auto& each : callers_) ask(*each);
        while (under_way != 0) context_.run_one();
        const double seconds = static_cast<double>(now_ns() - began) / 1e9;
        return static_cast<double>(answered * (in_batches ? kBatch : 1)) / seconds;
    }
    // One by one at the rate, on schedule whether earlier ones were answered or not.
    void at_rate(Latencies& latencies) {
        connect(shape_.connections);
        std::deque<std::uint64_t> due;
        std::deque<Caller*> idle;  // each in turn: the server ends a connection that says nothing for long
        for (const auto& each : callers_) idle.push_back(each.get());
        const std::uint64_t step = 1'000'000'000 / shape_.rate;
        const std::size_t count = shape_.rate * static_cast<std::size_t>(shape_.time.count());
        std::uint64_t at = now_ns() + step;
        std::size_t begun = 0;
        std::size_t answered = 0;
        std::function<void()> give = [&] {
            while (!due.empty() && !idle.empty()) {
                Caller* const caller = idle.front();
                idle.pop_front();
                const std::uint64_t since = due.front();
                due.pop_front();
                caller->post("/v1/messages", messages_[next_++ % messages_.size()], [&, caller, since] {
                    latencies.add(now_ns() - since);
                    ++answered;
                    idle.push_back(caller);
                    give();
                });
            }
        };
        boost::asio::steady_timer timer(context_);
        bool waits = false;
        while (answered < count) {
            for (; begun < count && at <= now_ns(); at += step, ++begun) due.push_back(at);
            give();
            if (!waits && begun < count) {
                waits = true;
                timer.expires_after(std::chrono::microseconds(200));
                timer.async_wait([&waits](auto) { waits = false; });
            }
            context_.run_one();
        }
        while (waits) context_.run_one();
    }

private:
    // New ones: the server ends those that have said nothing since an earlier part.
    void connect(std::size_t count) {
        callers_.clear();
        for (std::size_t i = 0; i < count; ++i) callers_.push_back(std::make_unique<Caller>(context_, port_, key_));
    }

    const ApiShape shape_;
    const std::uint16_t port_;
    const std::string key_;
    boost::asio::io_context context_{1};
    const boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_{context_.get_executor()};
    std::vector<std::unique_ptr<Caller>> callers_;
    std::vector<std::string> messages_;
    std::vector<std::string> batches_;
    std::size_t next_ = 0;
};

}  // namespace

int bench_api(int argc, char** argv) {
    ApiShape shape;
    ServerOptions where;
    bool json = false;
    for (int i = 1; i < argc; ++i) {
        const std::string_view option = argv[i];
        const auto number = [&](std::size_t least, std::size_t most) {
            return std::clamp<std::size_t>(std::strtoull(argv[++i], nullptr, 10), least, most);
        };
        if (option == "--json") {
            json = true;
        } else if (option == "--conversations" && i + 1 < argc) {
            shape.conversations = number(100, 100'000);
        } else if (option == "--connections" && i + 1 < argc) {
            shape.connections = number(1, 1'000);
        } else if (option == "--rate" && i + 1 < argc) {
            shape.rate = number(1, 100'000);
        } else if (option == "--seconds" && i + 1 < argc) {
            shape.time = std::chrono::seconds(number(1, 60));
        } else if (!where.take(argc, argv, i)) {
            std::fprintf(stderr, "api: unknown option %s\n", argv[i]);
            return 2;
        }
    }
    const auto key = auth::make_api_key(auth::Scopes::all(), base::system_random());
    const std::uint16_t port = free_port();
    where.stored = true;
    where.configure = [port, line = auth::to_line(key.key)](ServerBuilder& builder) {
        ServerApi api;
        api.address = "127.0.0.1:" + std::to_string(port);
        api.keys = {line};
        api.per_second = 0;
        builder.server_api(std::move(api)).log_level(LogLevel::warn);
    };
    const ServerProcess server(where);
    ApiLoad load(shape, port, key.secret);
    load.begin();
    const double in_batches = load.at_once(true);
    const double one_by_one = load.at_once(false);
    Latencies latencies;
    load.at_rate(latencies);
    const double p50 = latencies.percentile_us(0.5) * 1000 / kNsInMs;
    const double p99 = latencies.percentile_us(0.99) * 1000 / kNsInMs;
    std::fprintf(
        for_people(json),
        "api: %zu conversations, without limits; stored messages in batches of %zu: %.0f/s; one by one over %zu "
        "connections: %.0f/s; at %zu/s until the answer: p50 %.2f ms, p99 %.2f ms\n",
        shape.conversations, kBatch, in_batches, shape.connections, one_by_one, shape.rate, p50, p99);
    if (json) {
        std::printf(
            "{\"conversations\":%zu,\"limits\":false,\"batched_per_s\":%.0f,\"single_per_s\":%.0f,\"rate\":%zu,"
            "\"p50_ms\":%.2f,\"p99_ms\":%.2f}\n",
            shape.conversations, in_batches, one_by_one, shape.rate, p50, p99);
    }
    return 0;
}

}  // namespace flare::bench
