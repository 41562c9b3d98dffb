// Certificate chains in files: dates, order, and who issued whom, for servers, clients and sets of authorities.
#include "support/certificates.hpp"
#include "transport/quic/quic.hpp"
#include "transport/tls/tls.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace flare::transport::tls {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

class TlsChain : public ::testing::Test {
protected:
    using Identity = test::Certificates::Identity;
    using Spec = test::Certificates::Spec;

    static Spec spec(const std::string& name, bool authority, long from = -3600, long until = 24 * 3600) {
        Spec made;
        made.common_name = name;
        if (authority) made.names.clear();
        made.authority = authority;
        made.valid_from_seconds = from;
        made.valid_until_seconds = until;
        return made;
    }
    Identity issue(const std::string& file, const std::string& name, bool authority, const Identity* issuer,
                   long from = -3600, long until = 24 * 3600) {
        return files.make(file, spec(name, authority, from, until), issuer);
    }
    // One file of these, in this order.
    std::string chain(const std::vector<const Identity*>& all) {
        std::string text;
        for (const Identity* each : all)
            text += files.read(std::filesystem::path(each->certificate_file).filename().string());
        files.write("chain.crt", text);
        return files.path("chain.crt");
    }
    // "certificate_expired: certificate /tmp/...", or "good"; wss, QUIC and client agree.
    std::string verdict(const std::vector<const Identity*>& all) {
        const std::string file = chain(all);
        const std::string& key = all.front()->key_file;
        std::string server, quic, client;
        const auto told = [](const auto& loaded, const std::string& text) {
            return loaded ? std::string("good")
                          : std::string(name(static_cast<errc>(loaded.error().value()))) + ": " + text;
        };
        const std::string first = told(ServerContext::load({file, key, "", false}, &server), server);
        EXPECT_EQ(told(quic::ServerContext::load({file, key, "", false}, {"flare-core"}, &quic, {}, nullptr), quic),
                  first);
        EXPECT_EQ(told(ClientContext::load({"", file, key}, &client), client), first);
        return first;
    }
    test::Certificates files;
    Identity root = issue("root", "Root", true, nullptr);
    Identity middle = issue("middle", "Middle", true, &root);
    Identity leaf = issue("leaf", "leaf.example", false, &middle);
};

TEST_F(TlsChain, IsGoodWithAndWithoutItsRoot) {
    EXPECT_EQ(verdict({&leaf}), "good");
    EXPECT_EQ(verdict({&leaf, &middle}), "good");
    EXPECT_EQ(verdict({&leaf, &middle, &root}), "good");
}

TEST_F(TlsChain, NamesTheCertificateThatIsOutOfDateWhereverItStands) {
    const Identity old = issue("old", "Old", true, &root, -7200, -3600);
    const Identity below = issue("below", "below.example", false, &old);
    EXPECT_THAT(verdict({&below, &old}),
                AllOf(testing::StartsWith("certificate_expired"), HasSubstr("number 2 of 2, CN=Old, expired on ")));
    EXPECT_THAT(verdict({&below, &old, &root}), HasSubstr("number 2 of 3, CN=Old, expired on "));
    const Identity future = issue("future", "Future", true, &root, 3600);
    const Identity early = issue("early", "early.example", false, &future);
    EXPECT_THAT(verdict({&early, &future}),
                AllOf(testing::StartsWith("certificate_invalid"), HasSubstr("number 2 of 2, CN=Future, not valid be")));
    const Identity ended = issue("ended", "Ended", true, nullptr, -7200, -3600);
    const Identity under = issue("under", "Under", true, &ended);
    const Identity last = issue("last", "last.example", false, &under);
    EXPECT_THAT(verdict({&last, &under, &ended}), HasSubstr("number 3 of 3, CN=Ended, expired on "));
}

TEST_F(TlsChain, NamesWhatStandsInTheWrongPlace) {
    EXPECT_THAT(
        verdict({&leaf, &root, &middle}),
        AllOf(HasSubstr("number 2 of 3, CN=Root, stands where the issuer of number 1 (CN=leaf.example) belongs"),
              HasSubstr("number 3"), HasSubstr("put each certificate's issuer directly after it")));
    EXPECT_THAT(verdict({&leaf, &leaf, &middle}), HasSubstr("number 2 of 3, CN=leaf.example, is the same as number 1"));
    EXPECT_THAT(verdict({&leaf, &middle, &middle}), HasSubstr("number 3 of 3, CN=Middle, is the same as number 2"));
    EXPECT_THAT(verdict({&leaf, &root}),
                HasSubstr("number 2 of 2, CN=Root, did not issue number 1 (CN=leaf.example), which CN=Middle issued"));
    const Identity other = issue("other", "Other", true, &root);
    EXPECT_THAT(verdict({&leaf, &middle, &other}), HasSubstr("number 3 of 3, CN=Other, did not issue number 2"));
}

TEST_F(TlsChain, ANameAloneIsNoIssuer) {
    const Identity impostor = issue("impostor", "Middle", true, &root);
    EXPECT_THAT(verdict({&leaf, &impostor}), HasSubstr("number 2 of 2, CN=Middle, has the name of the issuer of"));
    const Identity nobody = issue("nobody", "Nobody", false, &root);
    const Identity forged = issue("forged", "forged.example", false, &nobody);
    EXPECT_THAT(verdict({&forged, &nobody}), HasSubstr("number 2 of 2, CN=Nobody, may not issue certificates"));
}

TEST_F(TlsChain, ASetOfAuthoritiesIsNoChainAndFailsOnlyWhenNoneIsGood) {
    const Identity old = issue("old", "Old", true, nullptr, -7200, -3600);
    const Identity older = issue("older", "Older", true, nullptr, -9000, -5000);
    const auto authorities = [&](const std::vector<const Identity*>& all) {
        const std::string file = chain(all);
        std::string text;
        const auto loaded = ServerContext::load({leaf.certificate_file, leaf.key_file, file, true}, &text);
        EXPECT_EQ(static_cast<bool>(ClientContext::load({file, "", ""}, nullptr)), static_cast<bool>(loaded));
        return loaded ? "good" : text;
    };
    EXPECT_EQ(authorities({&old, &root, &older}), "good");
    EXPECT_THAT(authorities({&old}), HasSubstr("expired on "));
    EXPECT_THAT(authorities({&old, &older}), HasSubstr("contains no usable CA: CN=Old, expired on "));
}

TEST_F(TlsChain, ACertificateThatIsCutOffIsDamage) {
    const std::string good = files.read("leaf.crt") + files.read("middle.crt");
    for (const std::size_t cut : {40u, 100u, 300u}) {
        files.write("cut.crt", good.substr(0, good.size() - cut));
        std::string text;
        EXPECT_FALSE(ServerContext::load({files.path("cut.crt"), leaf.key_file, "", false}, &text)) << cut;
        EXPECT_THAT(text, HasSubstr("damaged"));
    }
}

}  // namespace
}  // namespace flare::transport::tls
