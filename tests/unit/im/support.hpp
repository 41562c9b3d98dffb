// One conversation and its home, with a store that answers when the test says so.
#pragma once

#include "im/append.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace flare::im::test {

using namespace std::chrono_literals;

inline Uuid id_of(std::uint64_t number) {
    Uuid id;
    for (int i = 0; i < 8; ++i) id.bytes[static_cast<std::size_t>(15 - i)] = static_cast<std::uint8_t>(number >> 8 * i);
    return id;
}

inline constexpr std::uint64_t kUnixNow = 1'700'000'000'000;

class Home {
public:
    explicit Home(Limits of = {}, model::ConversationKey key = model::ConversationKey::room("lobby"))
        : limits(of), devices(limits.device), append(std::move(key), limits, devices) {}

    // A room with these members, at `last`.
    void load(std::vector<model::Member> members, model::Config config = {}, std::uint64_t last = 0) {
        Conversation::Stored stored{.row = 7, .config = std::move(config)};
        for (const model::Member& member : members) stored.members += member.role != model::Role::none;
        stored.head.last = {kEpoch, last};
        next_offset = last + 1;
        append.loaded(stored, members, out);
    }

    Send message(Row sender, std::uint64_t number) {
        return {.session = sender * 10,
                .place = ++places,
                .device = sender,
                .sender = sender,
                .id = id_of(number),
                .token = number,
                .content = static_cast<std::uint32_t>(number),
                .size = 10};
    }
    bool send(Row sender, std::uint64_t number) { return append.send(message(sender, number), now, out); }
    bool repeat(Row sender, std::uint64_t number) {
        Send send = message(sender, number);
        send.first_sent_ms_ago = 1000;
        return append.send(send, now, out);
    }
    bool ask(Row actor, std::uint64_t number, Command command) {
        return append.change(message(actor, number), std::move(command), now, out);
    }

    void turn() {
        append.advance(now, out);
        append.check_invariants();
    }
    void pass(std::chrono::milliseconds time) {
        now.steady += time;
        now.unix_ms += static_cast<std::uint64_t>(time.count());
    }

    // Those of a kind that came since the last call; others stay.
    template <typename T>
    std::vector<T> take() {
        std::vector<T> taken;
        std::erase_if(out, [&](const Effect& each) {
            if (!std::holds_alternative<T>(each)) return false;
            taken.push_back(std::get<T>(each));
            return true;
        });
        return taken;
    }
    // Their tokens: what was given to the store.
    std::vector<Token> given() {
        std::vector<Token> tokens;
        for (const auto& each : take<effect::AppendEntry>()) {
            tokens.push_back(each.token);
            in_store.push_back(each.ticket);
        }
        for (const auto& each : take<effect::AppendChange>()) {
            tokens.push_back(each.token);
            in_store.push_back(each.ticket);
        }
        return tokens;
    }
    // The store commits what was given.
    void commit() {
        given();
        for (const Ticket ticket : std::exchange(in_store, {})) {
            append.committed(ticket, {.row = 7, .position = {kEpoch, next_offset}, .time_ms = now.unix_ms}, out);
            ++next_offset;
        }
        append.check_invariants();
    }
    void put_off(errc code) {
        given();
        for (const Ticket ticket : std::exchange(in_store, {})) append.put_off(ticket, code, now, out);
        append.check_invariants();
    }
    // The store puts it off.
    void send_in_vain(Row sender, std::uint64_t number, errc code = errc::busy) {
        send(sender, number);
        turn();
        put_off(code);
    }
    // As "number:code": number of the message, and ok when it is stored.
    std::string answers() {
        std::string text;
        for (const auto& each : take<effect::Answer>()) {
            if (!text.empty()) text += ' ';
            text += std::to_string(each.id.bytes[15]) + ':' + std::string(name(each.code));
        }
        return text;
    }

    static constexpr std::uint64_t kEpoch = 99;
    Limits limits;
    DeviceRates devices;
    Append append;
    Now now{std::chrono::steady_clock::time_point(100h), kUnixNow};
    Effects out;
    std::vector<Ticket> in_store;
    std::uint64_t next_offset = 1;
    std::uint64_t places = 0;
};

inline model::Member a_member(Row user, model::Role role = model::Role::member) {
    return {.user = user, .role = role, .joined_at = user};
}

}  // namespace flare::im::test
