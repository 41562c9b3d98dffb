#include "server/conversations/sends.hpp"

#include "base/log.hpp"
#include "im/limits.hpp"
#include "im/names.hpp"
#include "model/entry.hpp"
#include "model/target.hpp"
#include "server/conversations/content_hash.hpp"
#include "server/conversations/people.hpp"
#include "server/dispatch/handler_queue.hpp"
#include "server/worker/shard.hpp"
#include "session/planted.hpp"
#include "wire/about.hpp"

#include <algorithm>
#include <exception>
#include <utility>

namespace flare::server {
namespace {

constexpr std::chrono::milliseconds kTryAgain{500};
// All names as long as they may be, and a little more, of a later version.
constexpr std::size_t kMostAboutBytes = 16 * 1024;
static_assert(kMostAboutBytes > wire::kMaxMentions * (wire::kMaxNameBytes + 8));
constexpr std::string_view kUnreadableAbout =
    "what the message says beside its payload cannot be read: it names at most 50 users, each by 1 to 256 bytes of "
    "UTF-8";

// Null: nobody.
std::unique_ptr<Mentioned> mentioned_by(const wire::About& about, std::string_view sender) {
    std::unique_ptr<Mentioned> made;
    for (const std::string_view name : about.mentions) {
        if (name == sender) continue;
        if (made == nullptr) made = std::make_unique<Mentioned>();
        if (std::ranges::find(made->names, name) == made->names.end()) made->names.emplace_back(name);
    }
    return made;
}

// Nothing with a dictionary is stored: it must be readable when that is forgotten.
std::optional<model::StoredEncoding> stored_encoding(wire::Encoding encoding) noexcept {
    switch (encoding) {
        case wire::Encoding::none: return model::StoredEncoding::identity;
        case wire::Encoding::gzip: return model::StoredEncoding::gzip;
        case wire::Encoding::zstd: return model::StoredEncoding::zstd;
        default: return std::nullopt;
    }
}

}  // namespace

// ---- sessions ----

void ConversationSends::session_began(const session::ServerSession& session) {
    const auto sender = std::make_shared<Sender>();
    sender->key = make_session_key(index_, ++last_session_);
    sender->user = std::make_shared<const std::string>(session.user());
    sender->device = base::NameHash{}(session.user() + '\0' + session.device());
    sender->info = queue_of(session)->info;
    senders_[session.id().value] = sender;
    ask_row(sender);
}

void ConversationSends::session_ended(const session::ServerSession& session) {
    const auto found = senders_.find(session.id().value);
    if (found == senders_.end()) return;
    const SenderPtr sender = found->second;
    senders_.erase(found);
    end_turn();  // its own messages come before its end
    for (std::uint32_t home = 0; home < sender->homes.size(); ++home) {
        if (!sender->homes[home]) continue;
        parts_.router.give(home, [key = sender->key](Shard& shard) { shard.conversations()->home.session_gone(key); });
    }
    sender->held.clear();
    // The session is on its way out: what it waits for is given back when it has gone. Its user sends it again, and
    // finds out then.
    parts_.executor.later([this, key = sender->key] { parts_.awaited.give_up(key); });
}

// ---- who sends ----

void ConversationSends::ask_row(const SenderPtr& sender) {
    parts_.rows.make(sender->user, [this, sender](im::Row row, errc code, bool is_new) {
        if (code != errc::ok) return store_fails(sender, code, is_new);
        sender->row = row;
        go_on(sender);
    });
}

// What is new is put off. Nobody knows of what may be in the log already: nothing is said of that, and the store is
// asked again.
void ConversationSends::store_fails(const SenderPtr& sender, errc code, bool none_stored) {
    for (Held& held : std::exchange(sender->held, {})) {
        const im::Send& send = held.message->send;
        if (none_stored || send.first_sent_ms_ago == 0 || send.put_off != errc::ok) {
            send_put_off(*sender, held, said_of(code));
        } else {
            sender->held.push_back(std::move(held));
        }
    }
    if (sender->row == 0 || !sender->held.empty()) go_on_later(sender);
}

// What it waits for has no room at present.
void ConversationSends::go_on_later(const SenderPtr& sender) {
    stuck_.push_back(sender);
    if (go_on_at_ != session::kNever) return;
    go_on_at_ = parts_.executor.now() + kTryAgain;
    parts_.executor.arm_timer();
}

void ConversationSends::on_time() {
    if (parts_.executor.now() < go_on_at_) return;
    go_on_at_ = session::kNever;
    for (const auto& each : std::exchange(stuck_, {})) {
        const SenderPtr sender = each.lock();
        if (sender != nullptr) sender->row == 0 ? ask_row(sender) : go_on(sender);
    }
}

// ---- messages ----

std::optional<model::ConversationKey> ConversationSends::key_of(const session::ServerSession& session,
                                                                std::string_view to,
                                                                const session::PendingMessage& pending) {
    const model::Target target = model::Target::of(to);
    if (target.kind == model::Target::Kind::user) return model::ConversationKey::direct(session.user(), target.name);
    // No room has such a name.
    if (const auto refused = im::check_room_name(target.name)) {
        parts_.answers.refuse(pending, refused->code, refused->text);
        return std::nullopt;
    }
    return model::ConversationKey::room(target.name);
}

void ConversationSends::take(session::ServerSession& session, session::PendingMessage&& pending,
                             const wire::DataView& data, const Bytes& whole) {
    const wire::MessageView& message = *data.message;
    const SenderPtr sender = senders_.find(session.id().value)->second;
    const bool compressed = message.encoding != wire::Encoding::none;
    const std::uint64_t size = compressed ? message.size : message.payload.size();
    if (size > im::kMaxPayloadBytes)
        return parts_.answers.refuse(pending, errc::message_too_large,
                                     "a message that is stored has at most 1 MiB: send a shorter one");
    auto key = key_of(session, message.to, pending);
    if (!key) return;
    const auto about = wire::decode_about(message.about);
    if (!about || message.about.size() > kMostAboutBytes)
        return parts_.answers.refuse(pending, errc::malformed_frame, kUnreadableAbout);
    const bool too_fast = pending.over_rate_ms != 0;
    // What is inflated here is kept beside what came, for the recipient.
    const std::size_t bytes =
        message.payload.size() + 2 * message.about.size() + (compressed ? static_cast<std::size_t>(size) : 0);
    const errc added = parts_.awaited.add(sender->key, message.id, pending, too_fast ? 0 : bytes);
    if (added == errc::duplicate_message_id) return parts_.answers.refuse(pending, added);

    im::Send send = next_send(*sender, message.id, data.first_sent_ms_ago);
    send.ref = about->reply_to;
    send.flags = static_cast<std::uint8_t>(about->flags & (model::kSilent | model::kMentionAll));
    send.mentions = static_cast<std::uint32_t>(about->mentions.size());
    send.content = ContentHash().add(message.type).add(send.ref).add(send.flags).add(size).value();
    send.size = static_cast<std::uint32_t>(size);
    send.asks = is_asked(HookQuestion::About::message);
    send.put_off = too_fast ? errc::rate_limited : added;
    send.retry_after_ms = pending.over_rate_ms;
    if (send.put_off != errc::ok) return hold(sender, {.message = bare(sender, send, std::move(*key))});

    wire::DataView forwarded;
    forwarded.from = session.user();
    forwarded.server_time_ms = unix_ms(parts_.turn.taken_at);
    forwarded.message_raw = data.message_raw;
    forwarded.message = data.message;
    wire::Body body = wire::encode(forwarded);
    body.cost = message.payload.size();
    Held held;
    held.compressed = compressed;
    held.message = StoredMessage::make(
        send, std::move(*key), sender->user, message.type,
        wire::Forms(std::move(body), message, parts_.state.config.compression.get(), session.agreed().encodings != 0));
    const auto encoding = stored_encoding(message.encoding);
    if (encoding) {
        held.message->encoding = *encoding;
        const bool large = !compressed && message.payload.size() > session::kSmallBytes;
        const Bytes* const shared = large ? held.message->forms.inflate() : nullptr;
        held.message->payload = shared != nullptr ? *shared : Bytes(message.payload);
    }
    held.message->mentioned = mentioned_by(*about, session.user());
    const bool names = held.message->mentioned != nullptr;
    const bool waits = sender->row == 0 || sender->waits || !sender->held.empty();
    if (!waits && !compressed && !names && !parts_.state.config.policy)
        return this->send(*sender, std::move(held.message), {});
    if (parts_.state.config.policy) held.asked = to_message(session, data, whole, parts_.turn.taken_at);
    hold(sender, std::move(held));
}

// What its session says next.
im::Send ConversationSends::next_send(Sender& sender, const Uuid& id, std::uint64_t first_sent_ms_ago) {
    im::Send send;
    send.session = sender.key;
    send.place = ++sender.places;
    send.device = sender.device;
    send.id = id;
    send.first_sent_ms_ago = first_sent_ms_ago;
    return send;
}

// Of what has no payload, or none that there is memory for.
std::shared_ptr<StoredMessage> ConversationSends::bare(const SenderPtr& sender, const im::Send& send,
                                                       model::ConversationKey key) {
    return StoredMessage::make(send, std::move(key), sender->user, std::string_view(), wire::Forms(wire::Body{}));
}

void ConversationSends::hold(const SenderPtr& sender, Held held) {
    if (session::planted(session::Fault::sends_overtake) && sender->row == 0) {
        sender->held.push_front(std::move(held));
    } else {
        sender->held.push_back(std::move(held));
    }
    go_on(sender);
}

void ConversationSends::go_on(const SenderPtr& sender) {
    while (sender->row != 0 && !sender->waits && !sender->held.empty()) {
        Held& first = sender->held.front();
        if (first.message->send.put_off != errc::ok) {
            const Held held = std::move(first);
            sender->held.pop_front();
            send_put_off(*sender, held, held.message->send.put_off);
            continue;
        }
        if (!ready(sender, first)) return;
        judge(sender, true);
    }
}

// False: what it waits for goes on with it.
bool ConversationSends::ready(const SenderPtr& sender, Held& held) {
    const bool asks = held.asked || (held.change && !held.change->objection.empty());
    // That it is a repeat is only what the client says.
    if (asks && !held.looked_up && held.message->send.first_sent_ms_ago != 0) {
        look_up(sender, held);
        return false;
    }
    if (held.change && !held.change->objection.empty()) return true;
    if (held.change) {
        if (held.change->users.empty() && !held.change->counts) {
            held.command = std::make_shared<const im::Command>(held.change->command(0, {}));
            return true;
        }
        find_users(sender, held);
        return false;
    }
    if (held.message->mentioned != nullptr && !held.message->mentioned->known) {
        find_mentioned(sender, held);
        return false;
    }
    if (!held.compressed) return true;
    if (held.message->forms.size() > wire::kAtOnceBytes) {
        inflate(sender, held);
        return false;
    }
    if (held.message->forms.inflate() != nullptr) return true;
    judge(sender, false);
    go_on(sender);
    return false;
}

// What is in the log is answered with its position, whatever is allowed now.
void ConversationSends::look_up(const SenderPtr& sender, const Held& held) {
    const auto known = std::make_shared<bool>(false);
    sender->waits = true;
    parts_.store.read(
        [known, message = held.message, row = sender->row](store::Reader& reader) {
            const auto conversation = reader.conversation(message->key);
            if (!conversation) return static_cast<errc>(conversation.error().value());
            if (!*conversation || (*conversation)->removed) return errc::ok;
            const auto found = reader.find(message->send.id, (*conversation)->row, row);
            if (!found) return static_cast<errc>(found.error().value());
            *known = found->has_value();
            return errc::ok;
        },
        [this, sender, known](errc code) {
            sender->waits = false;
            if (sender->held.empty()) return;  // its session has ended
            if (code != errc::ok) return store_fails(sender, code);
            Held& first = sender->held.front();
            first.looked_up = true;
            if (*known) first.asked.reset();
            if (*known && first.change) first.change->objection = {};
            go_on(sender);
        });
}

void ConversationSends::inflate(const SenderPtr& sender, const Held& held) {
    const auto whole = std::make_shared<bool>(false);
    sender->waits =
        parts_.executor.in_pool([message = held.message, whole] { *whole = message->forms.inflate() != nullptr; },
                                [this, sender, whole] {
                                    sender->waits = false;
                                    if (sender->held.empty()) return;  // its session has ended
                                    judge(sender, *whole);
                                    go_on(sender);
                                });
    if (!sender->waits) go_on_later(sender);
}

void ConversationSends::find_users(const SenderPtr& sender, const Held& held) {
    sender->waits = true;
    parts_.rows.find(held.change->users, [this, sender](const std::vector<im::Row>& users, errc code) {
        sender->waits = false;
        if (sender->held.empty()) return;  // its session has ended
        if (code != errc::ok) return store_fails(sender, code);
        if (std::find(users.begin(), users.end(), im::Row{0}) == users.end()) return count_conversations(sender, users);
        parts_.awaited.refuse(sender->key, sender->held.front().message->send.id, errc::unknown_target,
                              "somebody of these users has never been here");
        sender->held.pop_front();
        go_on(sender);
    });
}

// A member has a row: whoever has none is passed over, as is who is no member when the message is written.
void ConversationSends::find_mentioned(const SenderPtr& sender, const Held& held) {
    const auto found = std::make_shared<Mentioned>();
    sender->waits = true;
    parts_.store.read(
        [found, message = held.message](store::Reader& reader) {
            for (const std::string& name : message->mentioned->names) {
                const auto row = reader.user(name);
                if (!row) return static_cast<errc>(row.error().value());
                if (!*row) continue;
                found->names.push_back(name);
                found->rows.push_back(**row);
            }
            return errc::ok;
        },
        [this, sender, found](errc code) {
            sender->waits = false;
            if (sender->held.empty()) return;  // its session has ended
            if (code != errc::ok) return store_fails(sender, code);
            found->known = true;
            *sender->held.front().message->mentioned = std::move(*found);
            go_on(sender);
        });
}

// Of whom the first one names, and of who asks.
void ConversationSends::count_conversations(const SenderPtr& sender, const std::vector<im::Row>& users) {
    struct Found {
        std::uint32_t conversations = 0;
        std::vector<im::command::Person> people;
    };
    const auto found = std::make_shared<Found>();
    for (const im::Row user : users) found->people.emplace_back().user = user;
    const Change& change = *sender->held.front().change;
    const People people(*sender->user, change.users, change.invites, parts_.state.config.conversations.limits);
    sender->waits = true;
    parts_.store.read(
        [found, people, self = sender->row](store::Reader& reader) {
            const errc code = people.look_up(reader, found->people);
            return code == errc::ok ? people.count(reader, self, found->conversations) : code;
        },
        [this, sender, found](errc code) {
            sender->waits = false;
            if (sender->held.empty()) return;  // its session has ended
            if (code != errc::ok) return store_fails(sender, code);
            Held& first = sender->held.front();
            first.command = std::make_shared<const im::Command>(
                first.change->command(found->conversations, std::move(found->people)));
            judge(sender, true);
            go_on(sender);
        });
}

// What is to be known of the first one is known. `whole`: its payload could be read.
void ConversationSends::judge(const SenderPtr& sender, bool whole) {
    const Held held = std::move(sender->held.front());
    sender->held.pop_front();
    StoredMessage& message = *held.message;
    if (!whole)
        return parts_.awaited.refuse(sender->key, message.send.id, errc::bad_compression,
                                     explain(errc::bad_compression));
    if (held.change && !held.change->objection.empty())
        return parts_.awaited.refuse(sender->key, message.send.id, errc::forbidden, held.change->objection);
    if (held.asked && !allows(*sender, held))
        return parts_.awaited.refuse(sender->key, message.send.id, errc::forbidden,
                                     "the server's policy does not allow this message to this target");
    if (message.payload.empty() && held.compressed) message.payload = *message.forms.inflate();
    send(*sender, held.message, held.command);
}

bool ConversationSends::allows(const Sender& sender, const Held& held) const {
    Message message = *held.asked;
    if (held.compressed) message.payload = *held.message->forms.inflate();
    try {
        return parts_.state.config.policy(*sender.info, message.to, message);
    } catch (const std::exception& error) {
        base::log().limited(base::LogKind::policy_threw, "the delivery policy threw: {}", error.what());
    }
    return false;
}

void ConversationSends::send(Sender& sender, std::shared_ptr<StoredMessage> message,
                             std::shared_ptr<const im::Command> command) {
    message->send.sender = sender.row;
    const std::uint32_t home = parts_.router.home_of(message->key.text());
    if (sender.homes.size() <= home) sender.homes.resize(home + 1);
    sender.homes[home] = true;
    leaving_[home].push_back({std::move(message), std::move(command)});
    if (!std::exchange(turn_ends_, true)) parts_.executor.later([this] { end_turn(); });
}

void ConversationSends::send_put_off(Sender& sender, const Held& held, errc code) {
    held.message->send.put_off = code;
    const bool change = held.change.has_value();  // whatever it is
    send(sender, held.message, change ? std::make_shared<const im::Command>(im::command::Leave{}) : nullptr);
}

void ConversationSends::end_turn() {
    turn_ends_ = false;
    for (std::uint32_t home = 0; home < leaving_.size(); ++home) {
        if (leaving_[home].empty()) continue;
        if (home == index_) {
            parts_.home.take(leaving_[home]);
        } else {
            parts_.router.give(home,
                               [leaving = leaving_[home]](Shard& shard) { shard.conversations()->home.take(leaving); });
        }
        leaving_[home].clear();
    }
}

void ConversationSends::request(const session::ServerSession& session, const session::PendingRequest& pending,
                                const wire::RequestView& request, const model::ConversationKey& key,
                                std::uint32_t content, Change change) {
    const SenderPtr sender = senders_.find(session.id().value)->second;
    Awaited::Pending awaited = pending;
    if (request.verb == wire::Verb::conversation_create || request.verb == wire::Verb::conversation_join) {
        std::string name(model::Target::kConversation);
        name += key.name();
        if (key.kind() == model::ConversationKind::direct)
            name = key.first() == *sender->user ? key.second() : key.first();
        awaited = std::make_shared<const Awaited::Describing>(
            Awaited::Describing{pending, key, *sender->user, std::move(name)});
    }
    const errc added = parts_.awaited.add(sender->key, request.id, awaited, request.body.size());
    if (added == errc::duplicate_message_id) return parts_.awaited.refuse(pending, added);
    im::Send send = next_send(*sender, request.id, request.first_sent_ms_ago);
    send.kind = model::EntryKind::membership;
    send.content = content;
    send.asks = (request.verb == wire::Verb::conversation_create && is_asked(HookQuestion::About::conversation)) ||
                (request.verb == wire::Verb::conversation_join && is_asked(HookQuestion::About::join));
    send.put_off = added;
    hold(sender, {.message = bare(sender, send, key), .change = std::move(change)});
}

void ConversationSends::change_message(const session::ServerSession& session, const session::PendingRequest& pending,
                                       const wire::RequestView& request, const model::ConversationKey& key,
                                       std::uint32_t content, const MessageChange& change) {
    const SenderPtr sender = senders_.find(session.id().value)->second;
    const wire::MessageView& message = change.content;
    const bool compressed = message.encoding != wire::Encoding::none;
    const std::uint64_t size = compressed ? message.size : message.payload.size();
    const std::size_t bytes = request.body.size() + (compressed ? static_cast<std::size_t>(size) : 0);
    const errc added = parts_.awaited.add(sender->key, request.id, Awaited::Pending(pending), bytes);
    if (added == errc::duplicate_message_id) return parts_.awaited.refuse(pending, added);
    im::Send send = next_send(*sender, request.id, request.first_sent_ms_ago);
    send.kind = change.kind;
    send.flags = change.flags;
    send.ref = change.offset;
    send.epoch = change.epoch;
    send.content = content;
    send.size = static_cast<std::uint32_t>(size);
    send.asks = change.kind == model::EntryKind::edit && is_asked(HookQuestion::About::update);
    send.put_off = added;
    if (send.put_off != errc::ok) return hold(sender, {.message = bare(sender, send, key)});

    wire::Body body;
    if (compressed) {
        const Bytes encoded = wire::encode_message(message);
        wire::DataView data;
        data.message_raw = encoded.view();
        body = wire::encode(data);
        parts_.turn.inflating += std::min<std::size_t>(static_cast<std::size_t>(size), wire::kAtOnceBytes);
    }
    Held held;
    held.compressed = compressed;
    held.message =
        StoredMessage::make(send, key, sender->user, message.type,
                            wire::Forms(std::move(body), message, parts_.state.config.compression.get(), true));
    if (const auto encoding = stored_encoding(message.encoding)) {
        held.message->encoding = *encoding;
        held.message->payload = Bytes(message.payload);
    }
    if (parts_.state.config.policy && change.kind == model::EntryKind::edit) {
        Message& asked = held.asked.emplace(std::string(message.type), Bytes(message.payload));
        asked.id = request.id;
        asked.timestamp = asked.server_time = parts_.turn.taken_at;
        asked.from = session.user();
        asked.to = std::string(message.to);
    }
    hold(sender, std::move(held));
}

}  // namespace flare::server
