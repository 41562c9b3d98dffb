#include "vector_cases.hpp"

#include "support.hpp"
#include "vector_values.hpp"

#include "model/entry.hpp"
#include "wire/about.hpp"

namespace flare::wire::test {

Hello new_hello() {
    Hello hello;
    hello.user = "ada";
    hello.device = "laptop";
    hello.platform = Platform::desktop;
    hello.token = "let-me-in";
    hello.attempt_id.bytes = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
    hello.epoch = 1;
    return hello;
}

std::string raw_frame(std::string_view hex) {
    const std::string bytes = from_hex(hex);
    std::string out(1, static_cast<char>(bytes.size()));
    return out + bytes;
}

namespace {

const Uuid kMessageId = uuid("01910a3e-5c00-7b1a-8d5e-0123456789ab");
const Uuid kReplyId = uuid("01910a3e-5c10-7c2b-9e6f-a0b1c2d3e4f5");

MessageView chat() {
    MessageView message;
    message.id = kMessageId;
    message.type = "chat";
    message.payload = "hello";
    message.timestamp_ms = 1'722'470'400'000;
    message.to = "server";
    return message;
}

DataView data_of(const MessageView& message) {
    DataView data;
    data.message = message;
    return data;
}

Welcome new_welcome() {
    Welcome welcome;
    welcome.session_id.bytes = {16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31};
    welcome.home_worker = 1;
    welcome.ticket = counting(34, 0x40);
    welcome.secret = counting(32, 0x80);
    welcome.heartbeat_interval_ms = 30'000;
    welcome.heartbeat_timeout_ms = 90'000;
    welcome.max_ack_delay_ms = 200;
    for (LaneIndex lane = 0; lane < 4; ++lane) welcome.received.push_back({lane, 0, 2'500, 1'048'576});
    welcome.session_life_ms = 120'000;
    welcome.user = "ada";
    return welcome;
}

void add_handshake(std::vector<VectorCase>& cases) {
    using enum VectorUse;
    cases.push_back({"hello-new",
                     "The first frame of a client that wants a new session",
                     both_ways,
                     frame_of(encode(new_hello())),
                     {}});

    Hello anonymous;
    anonymous.user = "ada";
    anonymous.attempt_id = new_hello().attempt_id;
    cases.push_back({"hello-least",
                     "The shortest Hello that makes sense: no device, no token",
                     both_ways,
                     frame_of(encode(anonymous)),
                     {}});

    Hello proves = new_hello();
    proves.ticket_proof = counting(kMacBytes, 0x50);
    cases.push_back({"hello-ticket-proof",
                     "A new session for a lasting ticket: the proof answers the challenge of a Refused",
                     both_ways,
                     frame_of(encode(proves)),
                     {}});

    Hello zip = anonymous;
    zip.capabilities = kCapabilityZstd | kCapabilityGzip;
    zip.dictionary = counting(20, 0xe0);
    Hello can = anonymous;
    can.capabilities = kCapabilityConversations;
    cases.push_back(
        {"hello-conversations", "A client that understands conversations", both_ways, frame_of(encode(can)), {}});

    cases.push_back({"hello-compression",
                     "A client that can compress, and with which dictionary",
                     both_ways,
                     frame_of(encode(zip)),
                     {}});

    Hello resume = new_hello();
    resume.token.clear();
    resume.epoch = 7;
    resume.resume = Resume{counting(34, 0x40), counting(16, 0xa0), counting(32, 0xc0)};
    resume.received.push_back({0, 12, 2'512, 1'050'000});
    resume.received.push_back({3, 4, 2'504, 1'048'976});
    resume.lanes = 4;
    resume.max_message_bytes = 1'048'576;
    cases.push_back({"hello-resume",
                     "A client attaches to its session, and tells what it has received",
                     both_ways,
                     frame_of(encode(resume)),
                     {}});

    cases.push_back({"welcome-new",
                     "A new session, with its ticket and its secret",
                     both_ways,
                     frame_of(encode(new_welcome())),
                     {}});

    Welcome agreed = new_welcome();
    agreed.capabilities = kCapabilityZstd | kCapabilityGzip;
    agreed.dictionary = counting(20, 0xe0);
    cases.push_back({"welcome-compression",
                     "A session in which both sides may compress, with the same dictionary",
                     both_ways,
                     frame_of(encode(agreed)),
                     {}});

    Welcome stores = new_welcome();
    stores.capabilities = kCapabilityConversations;
    stores.store = Storing{Durability::commit, 65'536, 20, 100};
    cases.push_back({"welcome-conversations",
                     "A session with conversations: the server has a store",
                     both_ways,
                     frame_of(encode(stores)),
                     {}});

    Welcome resumed = new_welcome();
    resumed.secret.clear();
    resumed.outcome = Outcome::resumed;
    resumed.received.clear();
    resumed.received.push_back({0, 9, 2'509, 1'049'000});
    cases.push_back({"welcome-resumed",
                     "A session that goes on: no secret, and what the server has received",
                     both_ways,
                     frame_of(encode(resumed)),
                     {}});

    Welcome limited = new_welcome();
    limited.limits = Limits{65'536, 131'072, 262'144, 400, 131'072, 20, 40, 100'000, 200'000};
    cases.push_back({"welcome-limits",
                     "A new session of a server that limits sizes and rates",
                     both_ways,
                     frame_of(encode(limited)),
                     {}});

    Refused busy;
    busy.code = errc::busy;
    busy.text = "no memory for another session";
    busy.retry_after_ms = 1'500;
    cases.push_back({"refused-busy", "Come back later", both_ways, frame_of(encode(busy)), {}});

    Refused gap;
    gap.code = errc::session_expired;
    gap.text = "the session has expired";
    gap.gap.emplace().push_back({0, 9, 12});
    gap.gap->push_back({3, 0, 4});
    cases.push_back(
        {"refused-gap", "The session is over; its last numbers for each lane", both_ways, frame_of(encode(gap)), {}});

    Refused asks;
    asks.code = errc::session_unknown;
    asks.text = "this server does not know the session (any more)";
    asks.challenge = counting(kChallengeBytes, 0x30);
    cases.push_back({"refused-challenge",
                     "A server that was started again asks for a proof of the lasting ticket, made for this connection",
                     both_ways,
                     frame_of(encode(asks)),
                     {}});

    cases.push_back({"activate", "From now on this carrier sends", both_ways, frame_of(encode(Activate{8})), {}});

    Goodbye carrier;
    cases.push_back({"goodbye-carrier",
                     "Only this carrier goes: a Goodbye with every field at its default",
                     both_ways,
                     frame_of(encode(carrier)),
                     {}});
    Goodbye session;
    session.code = errc::shutting_down;
    session.text = "back soon";
    session.final.push_back({0, 12, 0, 0});
    session.retry_after_ms = 5'000;
    session.session_ends = true;
    cases.push_back({"goodbye-session",
                     "The session ends, with the last number of lane 0",
                     both_ways,
                     frame_of(encode(session)),
                     {}});

    cases.push_back({"ping", "A ping", both_ways, frame_of(encode_ping({7, {}})), {}});
    cases.push_back({"pong", "Its answer, with an ack riding on it", both_ways, {}, {}});
    FrameHeader acks;
    acks.acks.push_back({2, 300, 2'800, 1'100'000});
    cases.back().batch = frame_of(encode_pong({7, {}}), acks);
    const std::string padding = counting(6, 0xfa);
    cases.push_back({"ping-padding",
                     "A probe: a ping with bytes that mean nothing",
                     both_ways,
                     frame_of(encode_ping({1, padding})),
                     {}});
}

void add_messages(std::vector<VectorCase>& cases) {
    using enum VectorUse;
    cases.push_back({"data-text",
                     "The first chat message of a client to the server, on lane 2",
                     both_ways,
                     frame_of(encode(data_of(chat())), numbered(1, 2)),
                     {}});

    MessageView binary = chat();
    const std::string bytes = counting(8, 0xfc);
    binary.type = "blob";
    binary.payload = bytes;
    binary.to = "grace";
    DataView again = data_of(binary);
    again.first_sent_ms_ago = 1'250;
    cases.push_back({"data-again",
                     "A message with a binary payload, sent again in a new session",
                     both_ways,
                     frame_of(encode(again), numbered(5)),
                     {}});

    const std::string said = encode(About{1'204, model::kSilent | model::kMentionAll, {"bob", "eve"}});
    MessageView named = chat();
    named.to = "room:lunch";
    named.about = said;
    cases.push_back({"data-about",
                     "A silent message to a room that answers another one, and names two members and all of them",
                     both_ways,
                     frame_of(encode(data_of(named)), numbered(4)),
                     {}});

    DataView forwarded = data_of(chat());
    forwarded.from = "grace";
    forwarded.server_time_ms = 1'722'470'400'125;
    cases.push_back({"data-server-time",
                     "A message on its way to its recipient, with the time at which the server took it",
                     both_ways,
                     frame_of(encode(forwarded), numbered(6)),
                     {}});

    // A hundred times "a": one frame of zstd with one block that repeats a byte.
    const std::string packed = from_hex("28b52ffd 20 64 230300 61");
    MessageView compressed = chat();
    compressed.payload = packed;
    compressed.encoding = Encoding::zstd;
    compressed.size = 100;
    cases.push_back({"data-compressed",
                     "A message whose payload is 100 times the letter a, compressed with zstd",
                     both_ways,
                     frame_of(encode(data_of(compressed)), numbered(3)),
                     {}});

    MessageView reply = chat();
    reply.id = kReplyId;
    reply.type = "chat_response";
    reply.payload = "hello, ada \xe2\x98\x80";
    reply.to = "ada";
    DataView answer = data_of(reply);
    answer.from = "server";
    answer.receipt = ReceiptView{kMessageId, ReceiptStatus::handled, errc::ok, {}, 0};
    FrameHeader header = numbered(300, 2);
    header.acks.push_back({2, 1, 2'501, 1'048'581});
    cases.push_back({"data-reply",
                     "A reply that carries the receipt of what it answers, and an ack",
                     both_ways,
                     frame_of(encode(answer), header),
                     {}});

    MessageView before_1970 = chat();
    before_1970.payload = {};
    before_1970.timestamp_ms = -1;
    cases.push_back({"data-empty",
                     "A message without payload, from the millisecond before 1970",
                     both_ways,
                     frame_of(encode(data_of(before_1970)), numbered(2)),
                     {}});

    Batch chunks;
    chunks.add_chunk(numbered(10, 1), 70'000, Bytes("the first piece"));
    chunks.add_chunk(numbered(11, 1), 0, Bytes("and another"));
    cases.push_back(
        {"chunks", "Two pieces of a message whose encoding is 70,000 bytes long", both_ways, chunks.str(), {}});

    ReceiptView handled{kMessageId, ReceiptStatus::handled, errc::ok, {}, 0};
    cases.push_back({"receipt-handled",
                     "The server's handler has finished",
                     both_ways,
                     frame_of(encode(handled), numbered(3, 2)),
                     {}});
    ReceiptView offline{kMessageId, ReceiptStatus::refused, errc::user_offline, "grace has no session", 30'000};
    cases.push_back(
        {"receipt-refused", "The recipient is not there", both_ways, frame_of(encode(offline), numbered(4, 2)), {}});

    ReceiptView stored{kMessageId, ReceiptStatus::stored, errc::ok, {}, 0};
    stored.stored = {{0x8f3a5c17d2e94b60, 1'204}, 1'722'470'400'131};
    cases.push_back({"receipt-stored",
                     "The message is in the log of its conversation, and where: only for peers with the capability",
                     both_ways,
                     frame_of(encode(stored), numbered(5, 2)),
                     {}});

    RequestView asks{kReplyId, Verb::history, {}, 0};
    const std::string history = from_hex("0a 0a 72 6f 6f 6d 3a 6c 75 6e 63 68 10 b5 09");
    asks.body = history;
    cases.push_back({"request",
                     "A client asks for the entries of a room before offset 1205",
                     both_ways,
                     frame_of(encode(asks), numbered(6, 2)),
                     {}});
    RequestView repeat{kMessageId, Verb::conversation_leave, {}, 2'500};
    const std::string room = from_hex("0a 0a 72 6f 6f 6d 3a 6c 75 6e 63 68");
    repeat.body = room;
    cases.push_back({"request-again",
                     "A client leaves a room: sent again in a new session",
                     both_ways,
                     frame_of(encode(repeat), numbered(1, 2)),
                     {}});
    ResponseView answers{kMessageId, errc::ok, {}, 0, {}, false};
    const std::string written = from_hex("09 60 4b e9 d2 17 5c 3a 8f 10 b5 09 18 d8 81 f2 d9 90 32");
    answers.body = written;
    cases.push_back({"response",
                     "It is done, and this is the position of the entry",
                     both_ways,
                     frame_of(encode(answers), numbered(7, 2)),
                     {}});
    ResponseView refuses{kReplyId, errc::unknown_conversation, "there is no such room, or you are no member", 0, {},
                         false};
    cases.push_back({"response-refused",
                     "A request that is not granted",
                     both_ways,
                     frame_of(encode(refuses), numbered(8, 2)),
                     {}});
    ResponseView first_of_two{kReplyId, errc::ok, {}, 0, "the first page", true};
    ResponseView busy{kReplyId, errc::busy, "too much at once", 1'000, {}, false};
    Batch series;
    series.add(numbered(9, 2), encode(first_of_two));
    series.add(numbered(10, 2), encode(busy));
    cases.push_back({"response-series",
                     "A response that is to be followed by others, and one that ends them with an error",
                     both_ways,
                     series.str(),
                     {}});
    Batch pieces;
    pieces.add_chunk(numbered(12, 1), 80'000, Bytes("the first piece"), static_cast<std::uint32_t>(FrameKind::request));
    pieces.add_chunk(numbered(13, 1), 0, Bytes("and another"));
    cases.push_back(
        {"chunks-request", "Two pieces of a request: the first names its kind", both_ways, pieces.str(), {}});

    Batch acks;
    FrameHeader two;
    two.acks.push_back({0, 12, 2'512, 1'050'000});
    two.acks.push_back({1, 18'446'744'073'709'551'615ull, 0, 0});
    acks.add(two);
    cases.push_back({"acks", "A frame of acks alone; lane 1 shows the largest number", both_ways, acks.str(), {}});

    Batch three;
    three.add({}, encode(Activate{2}));
    three.add_data(numbered(1), data_of(chat()));
    three.add({}, encode_ping({1, {}}));
    cases.push_back({"batch", "Three frames in one batch", both_ways, three.str(), {}});
    cases.push_back({"batch-empty", "A batch of no frames", both_ways, {}, {}});
    cases.push_back(
        {"credential", "A new credential for the session", both_ways, frame_of(encode(CredentialView{"new!"})), {}});
    CredentialState soon;
    soon.expires_in_ms = 60'000;
    cases.push_back({"credential-state", "The credential ends in a minute", both_ways, frame_of(encode(soon)), {}});
}

void add_feeds(std::vector<VectorCase>& cases) {
    using enum VectorUse;
    im::Entry hello;
    hello.offset = 1'206;
    hello.kind = model::EntryKind::message;
    hello.id = kMessageId;
    hello.from = "ada";
    hello.time_ms = 1'722'470'400'300;
    hello.type = "chat";
    hello.payload = "hello";
    hello.messages = 1'100;
    FrameHeader of_feed = numbered(14, 2);
    of_feed.feed_id = 7;
    im::Feed news;
    news.entries = {hello};
    cases.push_back({"feed",
                     "A message that has come into a conversation, on feed 7",
                     both_ways,
                     frame_of(im::feed_body(news), of_feed),
                     {}});
    im::Feed behind;
    behind.reset = im::FeedReset{im::FeedResetReason::pruned, 1'000, 1'206, 1'157, 0x8f3a5c17d2e94b60};
    cases.push_back({"feed-reset",
                     "A feed passes over entries that have been removed",
                     both_ways,
                     frame_of(im::feed_body(behind), of_feed),
                     {}});
    im::Feed over;
    over.removed = 1'207;
    cases.push_back({"feed-removed",
                     "A feed ends: its subscriber is no longer a member",
                     both_ways,
                     frame_of(im::feed_body(over), of_feed),
                     {}});
    im::Feed never;
    never.failed = errc::storage_failed;
    cases.push_back({"feed-failed",
                     "A feed that a sync has named could not begin",
                     both_ways,
                     frame_of(im::feed_body(never), of_feed),
                     {}});
    im::Feed unasked;
    im::SyncedConversation& joined = unasked.began.emplace();
    joined.about.emplace();
    joined.about->conversation = "room:lunch";
    joined.about->head = im::Head{0x8f3a5c17d2e94b60, 1, 1'204, 1'099};
    joined.about->role = model::Role::member;
    joined.about->visible_from = 1'204;
    joined.about->members = 18;
    joined.about->max_payload_bytes = 65'536;
    joined.last_ms = 1'722'470'400'131;
    joined.mark = im::ReadMark{1'203, 1, false};
    joined.entries = {hello};
    joined.feed = 7;
    cases.push_back({"feed-began",
                     "A feed begins unasked: the user has joined a conversation",
                     both_ways,
                     frame_of(im::feed_body(unasked), of_feed),
                     {}});
    FrameHeader of_none = numbered(14, 2);
    im::Feed states;
    im::ConversationState& moved = states.states.emplace_back();
    moved.conversation = "room:lunch";
    moved.epoch = 0x8f3a5c17d2e94b60;
    moved.mark = im::ReadMark{1'203, 2, false, 1'206, 1'100};
    im::ConversationState& grown = states.states.emplace_back();
    grown.conversation = "room:canteen";
    grown.epoch = 0x1c45d90a77b3e826;
    grown.last = 41'207;
    grown.messages = 39'000;
    grown.last_ms = 1'722'470'400'300;
    im::ConversationState& left = states.states.emplace_back();
    left.conversation = "room:attic";
    left.gone = true;
    im::ConversationState& read = states.states.emplace_back();
    read.conversation = "bob";
    read.epoch = 0x5b2f90c3d4e1a867;
    read.others = {{"bob", 40, 41}};
    cases.push_back(
        {"feed-states",
         "Another device has read something, a log has grown, a room is gone, and another user has read something",
         both_ways,
         frame_of(im::feed_body(states), of_none),
         {}});
    im::Notice notice;
    notice.typing = {{"room:lunch", "ada", true}};
    notice.presence = {{"bob", im::Presence::offline, 1'722'470'400'300}};
    cases.push_back(
        {"notice", "A user types, and another has gone", both_ways, frame_of(im::notice_body(notice), {}), {}});
    Batch of_large;
    of_large.add_chunk(of_feed, 90'000, Bytes("the first piece"), static_cast<std::uint32_t>(FrameKind::feed));
    of_large.add_chunk(numbered(15, 2), 0, Bytes("and another"));
    cases.push_back({"chunks-feed",
                     "Two pieces of a feed: the first names its kind and its number",
                     both_ways,
                     of_large.str(),
                     {}});
}

void add_sealing(std::vector<VectorCase>& cases) {
    using enum VectorUse;
    Seal ask;
    ask.nonce = counting(kSealNonceBytes);
    cases.push_back({"seal-ask", "A client asks for the server's sealing key", both_ways, frame_of(encode(ask)), {}});
    Seal answer;
    answer.key = counting(kSealKeyBytes, 0x40);
    answer.certificates = from_hex("30 03 02 01 05");
    answer.signature = from_hex("5e a1");
    cases.push_back({"seal-key",
                     "The server tells it; the certificate and the signature are not real ones",
                     both_ways,
                     frame_of(encode(answer)),
                     {}});
    Seal hands;
    hands.handshake = counting(kSealHandshakeBytes, 0x80);
    cases.push_back({"seal-handshake", "A message of the handshake", both_ways, frame_of(encode(hands)), {}});
    cases.push_back({"sealed",
                     "A sealed frame: number 5 of channel 3 (lane 2), the last of its batch",
                     both_ways,
                     raw_frame("a2 01 07 08 c3 02 12 02 be ef"),
                     {}});
}

void add_unusual(std::vector<VectorCase>& cases) {
    using enum VectorUse;
    cases.push_back({"unknown-fields",
                     "A ping with fields of a later version in the frame (field 5, 101) and in its body (field 9)",
                     reads_as,
                     raw_frame("28 05 7a 07 08 07 4d 01 02 03 04 aa 06 02 68 69"),
                     {}});
    cases.push_back({"hint",
                     "A kind of frame that may be passed over (field 101) between two pings: nothing, to this version",
                     reads_as,
                     raw_frame("7a 02 08 01") + raw_frame("aa 06 04 0a 02 68 69") + raw_frame("7a 02 08 02"),
                     {}});
    cases.push_back({"later-hello",
                     "A Hello of a later version 1: a capability and a field (99) that this one does not know",
                     reads_as,
                     raw_frame("52 22 08 01 12 03 61 64 61 32 10 000102030405060708090a0b0c0d0e0f"
                               "50 81 80 04 9a 06 02 68 69"),
                     {}});
    cases.push_back({"text-field",
                     "A message whose text stands in the field text: it is the payload",
                     reads_as,
                     raw_frame("10 01 8a 01 04 12 02 32 00"),
                     {}});
    cases.back().batch = raw_frame("10 01 8a 01 06 12 04 32 02 68 69");
    cases.push_back({"long-varints",
                     "A ping whose numbers take more bytes than they need",
                     reads_as,
                     raw_frame("7a 85 80 00 88 80 00 87 00"),
                     {}});
    cases.push_back({"two-bodies",
                     "A ping and then a pong in one frame: the last one counts",
                     reads_as,
                     raw_frame("7a 02 08 01 82 01 02 08 02"),
                     {}});
    cases.push_back({"later-enum",
                     "A Hello with a platform of a later version: it is kept as a number in JSON, and unknown in C++",
                     reads_as,
                     raw_frame("52 06 08 01 12 01 61 20 09"),
                     {}});
    cases.back().batch = raw_frame("52 07 08 01 12 01 61 20 09");
    cases.push_back({"later-verb",
                     "A request with a verb of a later version: a number in JSON, unspecified in C++",
                     reads_as,
                     raw_frame("10 01 c2 01 02 10 63"),
                     {}});
    cases.push_back(
        {"later-encoding",
         "A message compressed in a way of a later version: a number in JSON, and refused when it is acted on",
         reads_as,
         raw_frame("10 01 8a 01 0b 12 09 1a 03 61 62 63 38 09 40 05"),
         {}});
}

}  // namespace

std::vector<VectorCase> vector_cases() {
    std::vector<VectorCase> cases;
    add_handshake(cases);
    add_messages(cases);
    add_feeds(cases);
    add_sealing(cases);
    add_unusual(cases);
    add_refused(cases);
    return cases;
}

}  // namespace flare::wire::test
