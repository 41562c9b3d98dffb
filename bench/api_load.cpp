#include "api_load.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>

#include <cstdlib>
#include <deque>
#include <stdexcept>
#include <utility>

namespace flare::bench {

using boost::asio::ip::tcp;

// One connection.
class ApiCaller {
public:
    ApiCaller(boost::asio::io_context& context, std::uint16_t port, const std::string& fields)
        : socket_(context),
          head_(" HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n" + fields + "Content-Length: ") {
        socket_.connect(tcp::endpoint(boost::asio::ip::address_v4::loopback(), port));
        socket_.set_option(tcp::no_delay(true));
    }
    // `calls` stays until `done`.
    void post(const ApiCalls& calls, const std::string& body, std::function<void()> done) {
        calls_ = &calls;
        done_ = std::move(done);
        request_ = "POST ";
        request_.append(calls.path).append(head_).append(std::to_string(body.size()));
        request_.append("\r\n\r\n").append(body);
        boost::asio::async_write(socket_, boost::asio::buffer(request_), [this](auto error, std::size_t) {
            if (error) throw std::runtime_error(calls_->path + ": " + error.message());
            read();
        });
    }

private:
    void read() {
        boost::asio::async_read_until(socket_, boost::asio::dynamic_buffer(answer_), "\r\n\r\n",
                                      [this](auto error, std::size_t head) {
                                          if (error) throw std::runtime_error(calls_->path + ": " + error.message());
                                          read_body(head);
                                      });
    }
    void read_body(std::size_t head) {
        const std::string length = "Content-Length: ";
        const std::size_t at = answer_.find(length);
        if (!answer_.starts_with("HTTP/1.1 200") || at >= head) throw refused();
        const std::size_t size = head + std::strtoull(answer_.c_str() + at + length.size(), nullptr, 10);
        const auto whole = [this, head, size](auto error, std::size_t) {
            if (error) throw std::runtime_error(calls_->path + ": " + error.message());
            if (calls_->accepted && !calls_->accepted(std::string_view(answer_).substr(head, size - head)))
                throw refused();
            answer_.erase(0, size);
            std::exchange(done_, {})();
        };
        if (answer_.size() >= size) return whole(boost::system::error_code(), 0);
        boost::asio::async_read(socket_, boost::asio::dynamic_buffer(answer_),
                                boost::asio::transfer_exactly(size - answer_.size()), whole);
    }
    std::runtime_error refused() const {
        return std::runtime_error(calls_->path + " was refused: " + answer_.substr(0, 2000));
    }

    tcp::socket socket_;
    const std::string head_;
    const ApiCalls* calls_ = nullptr;
    std::string request_;
    std::string answer_;
    std::function<void()> done_;
};

ApiLoad::ApiLoad(std::uint16_t port, std::string fields) : port_(port), fields_(std::move(fields)) {}

ApiLoad::~ApiLoad() = default;

// New ones: a server ends those that have said nothing since an earlier part.
void ApiLoad::connect(std::size_t count) {
    callers_.clear();
    for (std::size_t i = 0; i < count; ++i) callers_.push_back(std::make_unique<ApiCaller>(context_, port_, fields_));
}

std::size_t ApiLoad::while_wanted(const ApiCalls& calls, const std::function<bool()>& wanted) {
    connect(calls.connections);
    std::size_t count = 0;
    std::size_t under_way = 0;
    std::function<void(ApiCaller&)> ask = [&](ApiCaller& caller) {
        if (!wanted()) return;
        ++under_way;
        caller.post(calls, next_of(calls), [&] {
            --under_way;
            ++count;
            ask(caller);
        });
    };
    for (const auto& each : callers_) ask(*each);
    while (under_way != 0) context_.run_one();
    return count;
}

void ApiLoad::once(const ApiCalls& calls) {
    std::size_t left = calls.bodies.size();
    next_ = 0;
    while_wanted(calls, [&left] { return left != 0 && left-- != 0; });
}

double ApiLoad::at_once(const ApiCalls& calls, std::chrono::nanoseconds time) {
    const std::uint64_t began = now_ns();
    const std::uint64_t end = began + static_cast<std::uint64_t>(time.count());
    const std::size_t count = while_wanted(calls, [end] { return now_ns() < end; });
    answered_ += count;
    return static_cast<double>(count) / (static_cast<double>(now_ns() - began) / 1e9);
}

void ApiLoad::at_rate(const ApiCalls& calls, std::size_t rate, std::chrono::seconds time, Latencies& latencies) {
    connect(calls.connections);
    std::deque<std::uint64_t> due;
    std::deque<ApiCaller*> idle;  // each in turn: a server ends a connection that says nothing for long
    for (const auto& each : callers_) idle.push_back(each.get());
    const std::uint64_t step = 1'000'000'000 / rate;
    const std::size_t count = rate * static_cast<std::size_t>(time.count());
    std::uint64_t at = now_ns() + step;
    std::size_t begun = 0;
    std::size_t finished = 0;
    std::function<void()> give = [&] {
        while (!due.empty() && !idle.empty()) {
            ApiCaller* const caller = idle.front();
            idle.pop_front();
            const std::uint64_t since = due.front();
            due.pop_front();
            caller->post(calls, next_of(calls), [&, caller, since] {
                latencies.add(now_ns() - since);
                ++finished;
                idle.push_back(caller);
                give();
            });
        }
    };
    boost::asio::steady_timer timer(context_);
    bool waits = false;
    while (finished < count) {
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
    answered_ += count;
}

}  // namespace flare::bench
