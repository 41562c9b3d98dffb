// What the state machine of a conversation takes and wants: sends come in, effects go out.
//
// Protocol: docs/conversations.md, "Once, and in one order".
// Threads:  values.
#pragma once

#include "im/commands.hpp"
#include "im/conversation.hpp"
#include "im/limits.hpp"
#include "model/entry.hpp"
#include "model/position.hpp"

#include <flare/error.hpp>
#include <flare/uuid.hpp>

#include <cstdint>
#include <string_view>
#include <variant>
#include <vector>

namespace flare::im {

// Where an answer goes: a session, or a call of the application. Not 0, and not used again once it is gone.
using SessionKey = std::uint64_t;
// By which the caller finds what it keeps: the payload of a send, a request.
using Token = std::uint64_t;
// By which the machine finds what it waits for. 0: its own.
using Ticket = std::uint64_t;

// A message on its way into the log, or the request for a change. Its key is (id, conversation, sender).
struct Send {
    SessionKey session = 0;
    // Counts what its session sends, from 1 on; what comes again has a new one. As a rule sends arrive in this order;
    // but one that may be in the log already waits for the store, and arrives behind what was put off meanwhile.
    std::uint64_t place = 0;
    std::uint64_t device = 0;  // for its rate; the same for all sessions of a device
    Row sender = 0;            // 0: the server
    bool unmetered = false;    // of the application, in the name of a user: no rate holds it
    Uuid id{};
    Token token = 0;
    std::uint64_t first_sent_ms_ago = 0;  // 0: it comes for the first time
    std::uint32_t content = 0;            // hash of what was sent
    // ---- of a message ----
    std::uint32_t size = 0;  // of the payload, inflated
    model::EntryKind kind = model::EntryKind::message;
    std::uint8_t flags = 0;
    std::uint32_t mentions = 0;
    std::uint64_t ref = 0;
    std::uint64_t epoch = 0;  // in which `ref` is an offset; 0: in that of the log, whichever it is
    bool asks = false;        // a hook is asked before it is written
    // It was too much before it came here: it is put off for this, and so is what comes behind it. ok: it was not.
    errc put_off = errc::ok;
    std::uint32_t retry_after_ms = 0;  // with that; 0: as is usual

    // Rates, slow mode and budgets hold it.
    bool metered() const noexcept { return sender != 0 && !unmetered; }
};

namespace effect {

// Is there an entry with the key of this one? Answered by looked_up() or not_looked_up().
struct LookUp {
    Ticket ticket = 0;
    Uuid id{};
    Row sender = 0;
};
// What is the entry `offset`? Answered by ref_read() or not_looked_up().
struct ReadRef {
    Ticket ticket = 0;
    std::uint64_t offset = 0;
};
// Answered by loaded(), absent() or not_loaded().
struct LoadConversation {};
// Answered by member_loaded() or member_not_loaded().
struct LoadMember {
    Row user = 0;
};
// Who is owner when `leaving` is not? Shown every member, HeirSearch knows. Answered by heirs_found() or
// not_looked_up().
struct FindHeirs {
    Ticket ticket = 0;
    Row leaving = 0;
};
// `starter` writes to somebody for the first time. Answered by make_direct() or refuse_direct().
struct MakeDirect {
    Row starter = 0;
    bool metered = true;  // it counts among those that the starter may begin
};
// Append what is kept under `token`. Answered by committed(), rejected() or put_off(), in the order of these effects.
// What one advance() gives is one transaction: all of it is put off, or nothing.
struct AppendEntry {
    Ticket ticket = 0;
    Token token = 0;
    std::uint64_t first_sent_ms = 0;  // Unix time of a repeat; 0: it is none
};
struct AppendChange {
    Ticket ticket = 0;
    Token token = 0;  // 0: nobody asked for it by a request of its own
    std::uint64_t first_sent_ms = 0;
    const Plan* plan = nullptr;  // until the answer
};
// What became of a send or a change: stored (ok) at a position, or refused.
struct Answer {
    SessionKey session = 0;
    Uuid id{};
    errc code = errc::ok;
    std::string_view text{};           // of a refusal; lives as long as the program
    std::uint32_t retry_after_ms = 0;  // 0: none
    model::Position position{};        // of the entry; of a change that changed nothing: the newest
    std::uint64_t time_ms = 0;
};
// May what is kept under `token` be written? Answered by hook_answered(), once.
struct AskHook {
    Ticket ticket = 0;
    Token token = 0;
    const Command* command = nullptr;  // of a change; while the effect is acted on
};
// What was kept under `token` is needed no longer.
struct Release {
    Token token = 0;
};

}  // namespace effect

using Effect = std::variant<effect::LookUp, effect::ReadRef, effect::LoadConversation, effect::LoadMember,
                            effect::FindHeirs, effect::MakeDirect, effect::AppendEntry, effect::AppendChange,
                            effect::Answer, effect::AskHook, effect::Release>;
// Used again and again, so that it stops growing. Who acts on them may call inputs meanwhile, which append to it: walk
// it by index, in order.
using Effects = std::vector<Effect>;

}  // namespace flare::im
