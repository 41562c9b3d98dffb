#include "session/ticket_keys.hpp"

#include "base/aead.hpp"
#include "base/crypto.hpp"
#include "session/ticket.hpp"

#include <algorithm>
#include <utility>

namespace flare::session {
namespace {

constexpr std::size_t kSaltBytes = 16;
constexpr std::size_t kFixedContent = TicketKeys::kProcessBytes + 8 + kSecretBytes;

// Every ticket has its own: it seals once, with the number 0.
base::Key key_of(std::string_view master, std::string_view salt) {
    const std::string bytes = base::hmac_sha256(master, std::string("flare ticket 1").append(salt));
    base::Key key{};
    std::copy_n(bytes.begin(), key.size(), key.begin());
    return key;
}

// Nothing: not one bit of it is as it was, or it is another key's.
std::optional<std::string> opened(const base::Key& key, std::string_view head, std::string_view sealed) {
    if (sealed.size() < base::kAeadTagBytes) return std::nullopt;
    std::string content(sealed.size() - base::kAeadTagBytes, '\0');
    base::Aead aead(base::Aead::Direction::open, key, 0, head);
    aead.update(sealed.substr(0, content.size()), content.data());
    if (!aead.finish(sealed.substr(content.size()))) return std::nullopt;
    return content;
}

void put_number(std::string& out, std::uint64_t number, int bytes) {
    for (int shift = 8 * (bytes - 1); shift >= 0; shift -= 8) out.push_back(static_cast<char>(number >> shift));
}

std::uint64_t take_number(std::string_view& in, std::size_t bytes) {
    std::uint64_t number = 0;
    for (const char c : in.substr(0, bytes)) number = number << 8 | static_cast<unsigned char>(c);
    in.remove_prefix(bytes);
    return number;
}

bool take_text(std::string_view& in, std::string& text, std::size_t most = wire::kMaxNameBytes) {
    if (in.size() < 2) return false;
    const std::size_t size = take_number(in, 2);
    if (size > most || size > in.size()) return false;
    text = in.substr(0, size);
    in.remove_prefix(size);
    return true;
}

}  // namespace

TicketKeys::TicketKeys(std::string current, std::string previous, std::string process)
    : keys_{std::move(current), std::move(previous)}, process_(std::move(process)) {}

std::optional<std::string> TicketKeys::seal(const TicketContents& identity, base::Random& random) const {
    std::string content = process_;
    put_number(content, identity.expires_unix_ms, 8);
    content.append(identity.secret);
    for (const std::string* text : {&identity.user, &identity.device, &identity.token_id}) {
        if (text->size() > wire::kMaxNameBytes) return std::nullopt;
        put_number(content, text->size(), 2);
        content.append(*text);
    }
    // No claim is left out: what does not fit is asked of the credential.
    if (identity.claims.size() > kMaxClaimsBytes) return std::nullopt;
    put_number(content, identity.claims.size(), 2);
    content.append(identity.claims);
    std::string ticket = make_sealed_head(base::place_of(identity.user), identity.session);
    const std::string salt = random.bytes(kSaltBytes);
    std::array<char, base::kAeadTagBytes> tag{};
    base::Aead aead(base::Aead::Direction::seal, key_of(keys_[0], salt), 0, ticket);
    aead.update(content, content.data());
    aead.finish(tag.data());
    return ticket.append(salt).append(content).append(tag.data(), tag.size());
}

std::optional<TicketContents> TicketKeys::open(std::string_view ticket) const {
    const auto session = session_in_ticket(ticket);
    if (!session || !is_sealed(ticket)) return std::nullopt;
    const std::string_view head = ticket.substr(0, kTicketHeadBytes);
    const std::string_view salt = ticket.substr(kTicketHeadBytes, kSaltBytes);
    const std::string_view sealed = ticket.substr(kTicketHeadBytes + kSaltBytes);
    for (const std::string& key : keys_) {
        if (key.empty()) continue;
        const auto content = opened(key_of(key, salt), head, sealed);
        if (!content) continue;
        if (content->starts_with(process_)) return std::nullopt;
        auto identity = read_ticket_content(*content);
        if (identity) identity->session = *session;
        return identity;
    }
    return std::nullopt;
}

std::optional<TicketContents> read_ticket_content(std::string_view content) {
    if (content.size() < kFixedContent) return std::nullopt;
    TicketContents identity;
    content.remove_prefix(TicketKeys::kProcessBytes);
    identity.expires_unix_ms = take_number(content, 8);
    identity.secret = content.substr(0, kSecretBytes);
    content.remove_prefix(kSecretBytes);
    const bool complete = take_text(content, identity.user) && take_text(content, identity.device) &&
                          take_text(content, identity.token_id) &&
                          take_text(content, identity.claims, TicketKeys::kMaxClaimsBytes) && content.empty();
    if (!complete || identity.user.empty()) return std::nullopt;
    return identity;
}

}  // namespace flare::session
