#include "server/api/repeats.hpp"

#include <utility>

namespace flare::server::api {

Repeats::Found Repeats::begin(const std::string& key, std::string_view asked, Clock::time_point now) {
    make_room(now);
    const auto [found, fresh] = all_.try_emplace(key);
    Kept& kept = found->second;
    if (fresh) {
        kept.asked = asked;
        kept.since = now;
        kept.number = ++numbers_;
        order_.emplace_back(key, kept.number);
        return Begun{kept.number};
    }
    if (kept.asked != asked) return asked_otherwise();
    if (!kept.response) {
        Problem problem = problem_of(errc::busy, "a call with this Idempotency-Key is being done: ask again", 1000);
        problem.status = 409;
        return problem;
    }
    return repeated(*kept.response);
}

transport::http::Response Repeats::repeated(transport::http::Response response) {
    response.fields.add("Idempotent-Replayed", "true");
    return response;
}

Problem Repeats::asked_otherwise() {
    Problem problem = problem_of(errc::duplicate_message_id,
                                 "this Idempotency-Key came before with another request: each needs its own");
    problem.status = 422;
    return problem;
}

void Repeats::end(const std::string& key, std::uint64_t number,
                  const std::optional<transport::http::Response>& response) {
    const auto found = all_.find(key);
    if (found == all_.end() || found->second.number != number) return;
    if (!response) {
        all_.erase(found);
        return;
    }
    found->second.response = response;
    bytes_ += response->body.size();
}

void Repeats::make_room(Clock::time_point now) {
    while (!order_.empty()) {
        const auto& [key, number] = order_.front();
        const auto found = all_.find(key);
        const bool there = found != all_.end() && found->second.number == number;
        const bool full = all_.size() >= kMost || bytes_ > kMostBytes;
        if (there && !full && found->second.since + kKept > now) return;
        if (there) {
            if (found->second.response) bytes_ -= found->second.response->body.size();
            all_.erase(found);
        }
        order_.pop_front();
    }
}

}  // namespace flare::server::api
