#include "session/ticket.hpp"

#include "support.hpp"

#include <set>

namespace flare::session::test {
namespace {

TEST(Ticket, NamesThePlaceOfItsUserAndItsSession) {
    Chance chance;
    const SessionId session{id_of(7)};
    const std::string ticket = make_ticket(base::Place{0x1234}, session, chance);

    EXPECT_EQ(ticket.size(), kTicketBytes);
    EXPECT_EQ(ticket.substr(0, 4), std::string("\x01\x00\x12\x34", 4)) << "version, node, place";
    EXPECT_EQ(place_in_ticket(ticket), base::Place{0x1234});
    EXPECT_EQ(session_in_ticket(ticket), session);
}

TEST(Ticket, IsNeverTheSameTwice) {
    Chance chance;
    std::set<std::string> tickets;
    for (int i = 0; i < 100; ++i) tickets.insert(make_ticket(base::Place{}, SessionId{id_of(1)}, chance));
    EXPECT_EQ(tickets.size(), 100u);
}

TEST(Ticket, OfAnotherVersionOrLengthIsNone) {
    Chance chance;
    const std::string ticket = make_ticket(base::Place{}, SessionId{id_of(1)}, chance);
    std::string other = ticket;
    other[0] = 2;

    EXPECT_FALSE(place_in_ticket(other));
    EXPECT_FALSE(session_in_ticket(other));
    EXPECT_FALSE(session_in_ticket(ticket.substr(1)));
    EXPECT_FALSE(session_in_ticket(ticket + "x"));
    EXPECT_FALSE(session_in_ticket(""));
}

TEST(Ticket, ProofCoversTicketEpochNonceAndAttempt) {
    const std::string ticket(kTicketBytes, 't');
    const std::string nonce(wire::kNonceBytes, 'n');
    const std::string proof = resume_mac("key", ticket, 258, nonce, id_of(1));

    EXPECT_EQ(proof.size(), wire::kMacBytes);
    EXPECT_EQ(proof, resume_mac("key", ticket, 258, nonce, id_of(1)));
    EXPECT_NE(proof, resume_mac("kez", ticket, 258, nonce, id_of(1)));
    EXPECT_NE(proof, resume_mac("key", std::string(kTicketBytes, 'u'), 258, nonce, id_of(1)));
    EXPECT_NE(proof, resume_mac("key", ticket, 259, nonce, id_of(1)));
    EXPECT_NE(proof, resume_mac("key", ticket, 258, std::string(wire::kNonceBytes, 'm'), id_of(1)));
    EXPECT_NE(proof, resume_mac("key", ticket, 258, nonce, id_of(2)));
}

// The bytes that docs/protocol.md names, put together by printf and signed by `openssl dgst -sha256 -mac HMAC`.
TEST(Ticket, ProofIsTheOneThatTheProtocolDescribes) {
    const std::string proof =
        resume_mac("key", std::string(kTicketBytes, 't'), 258, std::string(wire::kNonceBytes, 'n'), id_of(1));

    std::string hex;
    for (const char c : proof) {
        constexpr char kDigits[] = "0123456789abcdef";
        hex += kDigits[static_cast<unsigned char>(c) >> 4];
        hex += kDigits[static_cast<unsigned char>(c) & 15];
    }
    EXPECT_EQ(hex, "6bc0ae44734c1ef883c28714d3a85f0734bb123332ffd7f4fa5addc07e25b6e3");
}

}  // namespace
}  // namespace flare::session::test
