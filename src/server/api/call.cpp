#include "server/api/call.hpp"

#include "base/crypto.hpp"

#include <boost/asio/post.hpp>
#include <boost/json/serialize.hpp>

#include <algorithm>
#include <charconv>
#include <utility>

namespace flare::server::api {

// On whatever thread gave it up; a connection is of the thread of the API.
Call::~Call() {
    if (!responder_) return;
    boost::asio::post(*context_, [responder = std::move(*responder_), answered = answered_]() mutable {
        transport::http::Response response = response_of(problem_of(errc::internal, "the call was not answered"));
        if (answered) answered(response);
        responder.answer(std::move(response));
    });
}

std::string_view Call::query(std::string_view name) const noexcept {
    const std::string* const found = match_.query.find(name);
    return found == nullptr ? std::string_view() : std::string_view(*found);
}

std::optional<std::uint64_t> Call::query_number(std::string_view name, std::uint64_t most,
                                                std::optional<Problem>& problem) const {
    const std::string_view text = query(name);
    if (text.empty()) return std::nullopt;
    std::uint64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error == std::errc() && end == text.data() + text.size() && number <= most) return number;
    if (!problem)
        problem = malformed("a whole number from 0 to " + std::to_string(most) + " is needed here", std::string(name));
    return std::nullopt;
}

std::string_view Call::stray_query(std::span<const std::string_view> known) const noexcept {
    for (const auto& [name, value] : match_.query.all()) {
        if (std::ranges::find(known, std::string_view(name)) == known.end()) return name;
    }
    return {};
}

// Version 8 of RFC 9562, section 5.8: of bits that we choose.
Uuid Call::entry_id(std::size_t number) const {
    if (seed_.empty()) return Uuid::v7();
    const base::Key hash = base::sha256(seed_ + std::to_string(number));
    Uuid id;
    std::copy_n(hash.begin(), id.bytes.size(), id.bytes.begin());
    id.bytes[6] = static_cast<std::uint8_t>((id.bytes[6] & 0x0f) | 0x80);
    id.bytes[8] = static_cast<std::uint8_t>((id.bytes[8] & 0x3f) | 0x80);
    return id;
}

void Call::answer(unsigned status, boost::json::object body) {
    send(transport::http::Response{status, "application/json", boost::json::serialize(body) + "\n", {}});
}

void Call::send(transport::http::Response response) {
    boost::asio::post(*context_, [self = shared_from_this(), response = std::move(response)]() mutable {
        if (!self->responder_) return;
        if (self->answered_) self->answered_(response);
        self->responder_->answer(std::move(response));
        self->responder_.reset();
    });
}

}  // namespace flare::server::api
