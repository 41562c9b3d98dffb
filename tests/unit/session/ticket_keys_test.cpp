// Tickets that outlive the process: docs/protocol.md, "Tickets".
#include "session/ticket_keys.hpp"

#include "session/ticket.hpp"
#include "support.hpp"

namespace flare::session::test {
namespace {

struct TicketKeysTest : ::testing::Test {
    TicketContents ann() const {
        return {SessionId{id_of(7)}, "ann", "phone", std::string(kSecretBytes, 's'), "token-1", 1'700'000'000'123};
    }
    Chance chance;
    std::string key = std::string(32, 'k');
    TicketKeys before{key, {}, "process1"};
    TicketKeys after{key, {}, "process2"};
};

TEST_F(TicketKeysTest, TellsTheNextProcessWhoseItIs) {
    const auto ticket = before.seal(ann(), chance);
    ASSERT_TRUE(ticket);
    EXPECT_TRUE(is_sealed(*ticket));
    EXPECT_EQ(place_in_ticket(*ticket), base::place_of("ann"));
    EXPECT_EQ(session_in_ticket(*ticket), ann().session);

    const auto identity = after.open(*ticket);
    ASSERT_TRUE(identity);
    EXPECT_EQ(identity->session, ann().session);
    EXPECT_EQ(identity->user, "ann");
    EXPECT_EQ(identity->device, "phone");
    EXPECT_EQ(identity->secret, ann().secret);
    EXPECT_EQ(identity->token_id, "token-1");
    EXPECT_EQ(identity->expires_unix_ms, 1'700'000'000'123u);
}

// Put together from docs/decisions/0013 and src/session/ticket_keys.hpp by Node's crypto (HMAC, ChaCha20-Poly1305).
TEST_F(TicketKeysTest, OpensWhatOthersHaveSealedByItsDescription) {
    const std::string_view hex =
        "02003a0f000102030405060708090a0b0c0d0e0f535353535353535353535353535353538d539ddd36ad49a3f737b7f1480acf05"
        "0856b76ef106d000fd51432a81c8d3de5d4f3ba2be3093b91ff634eea8441358d6a845ed8e2c8f013583d99a3bebce80b38cd610"
        "fab56a081f3481699cee83a082950071f3c957827da63808951da6fbee441c973c78fd";
    std::string ticket;
    for (std::size_t i = 0; i < hex.size(); i += 2)
        ticket.push_back(static_cast<char>(std::stoi(std::string(hex.substr(i, 2)), nullptr, 16)));
    const auto identity = after.open(ticket);
    ASSERT_TRUE(identity);
    EXPECT_EQ(identity->user, "ann");
    EXPECT_EQ(identity->device, "phone");
    EXPECT_EQ(identity->secret, ann().secret);
    EXPECT_EQ(identity->token_id, "token-1");
    EXPECT_EQ(identity->expires_unix_ms, 1'700'000'000'123u);
    EXPECT_EQ(identity->claims, R"({"role":"admin"})");
    EXPECT_EQ(place_in_ticket(ticket), base::place_of("ann"));
}

TEST_F(TicketKeysTest, CarriesTheClaimsWholeOrIsNone) {
    TicketContents admin = ann();
    admin.claims = std::string(TicketKeys::kMaxClaimsBytes, 'c');
    const auto ticket = before.seal(admin, chance);
    ASSERT_TRUE(ticket);
    EXPECT_EQ(after.open(*ticket)->claims, admin.claims);
    for (const std::size_t size : {TicketKeys::kMaxClaimsBytes + 1, std::size_t{70'000}}) {
        admin.claims = std::string(size, 'c');
        EXPECT_FALSE(before.seal(admin, chance)) << size;
    }
}

TEST_F(TicketKeysTest, TellsNothingToTheProcessThatMadeIt) { EXPECT_FALSE(before.open(*before.seal(ann(), chance))); }

TEST_F(TicketKeysTest, TellsNothingToWhoeverHasNoKeyOrAnotherOne) {
    const std::string ticket = *before.seal(ann(), chance);
    EXPECT_FALSE(TicketKeys(std::string(32, 'x'), {}, "process2").open(ticket));
    EXPECT_EQ(ticket.find("ann"), ticket.npos);
    EXPECT_EQ(ticket.find("phone"), ticket.npos);
    EXPECT_EQ(ticket.find(ann().secret), ticket.npos);
}

TEST_F(TicketKeysTest, OpensWithTheKeyOfBeforeAndSealsWithThePresentOne) {
    const std::string next(32, 'n');
    const TicketKeys rotated(next, key, "process2");
    EXPECT_TRUE(rotated.open(*before.seal(ann(), chance)));
    EXPECT_FALSE(TicketKeys(key, {}, "process3").open(*rotated.seal(ann(), chance)));
    EXPECT_TRUE(TicketKeys(next, {}, "process3").open(*rotated.seal(ann(), chance)));
}

TEST_F(TicketKeysTest, OpensNothingThatWasChangedAnywhere) {
    const std::string ticket = *before.seal(ann(), chance);
    for (std::size_t i = 0; i < ticket.size(); ++i) {
        std::string other = ticket;
        other[i] ^= 1;
        EXPECT_FALSE(after.open(other)) << i;
    }
    for (std::size_t size = 0; size < ticket.size(); ++size) EXPECT_FALSE(after.open(ticket.substr(0, size))) << size;
    EXPECT_FALSE(after.open(ticket + "x"));
    EXPECT_FALSE(after.open(make_ticket(base::Place{}, ann().session, chance)));
}

TEST_F(TicketKeysTest, IsNeverTheSameTwice) { EXPECT_NE(*before.seal(ann(), chance), *before.seal(ann(), chance)); }

TEST_F(TicketKeysTest, HoldsTheLongestNamesAndNoLonger) {
    TicketContents longest = ann();
    longest.user = std::string(wire::kMaxNameBytes, 'u');
    longest.device = std::string(wire::kMaxNameBytes, 'd');
    longest.token_id = std::string(wire::kMaxNameBytes, 't');
    longest.claims = std::string(TicketKeys::kMaxClaimsBytes, 'c');
    const auto ticket = before.seal(longest, chance);
    ASSERT_TRUE(ticket);
    EXPECT_LE(ticket->size(), wire::kMaxTicketBytes);
    ASSERT_TRUE(after.open(*ticket));
    EXPECT_EQ(after.open(*ticket)->device, longest.device);

    longest.token_id += 't';
    EXPECT_FALSE(before.seal(longest, chance));
}

TEST_F(TicketKeysTest, ContentThatDoesNotAddUpIsNone) {
    std::string content(TicketKeys::kProcessBytes + 8 + kSecretBytes, '\0');
    const auto text = [](std::string_view of) {
        return std::string(1, static_cast<char>(of.size() >> 8)) + static_cast<char>(of.size()) + std::string(of);
    };
    EXPECT_TRUE(read_ticket_content(content + text("ann") + text("") + text("") + text("")));
    EXPECT_FALSE(read_ticket_content(content + text("ann") + text("") + text(""))) << "of before claims";
    EXPECT_FALSE(read_ticket_content(content + text("") + text("") + text("") + text("")));
    EXPECT_FALSE(read_ticket_content(content + text("ann") + text("")));
    EXPECT_FALSE(read_ticket_content(content + text("ann") + text("") + text("") + text("") + "x"));
    EXPECT_FALSE(read_ticket_content(content + text(std::string(257, 'u')) + text("") + text("") + text("")));
    EXPECT_FALSE(read_ticket_content(content + text("ann") + text("") + text("") + text(std::string(1025, 'c'))));
    EXPECT_FALSE(read_ticket_content(content.substr(1)));
    EXPECT_FALSE(read_ticket_content(""));
}

}  // namespace
}  // namespace flare::session::test
