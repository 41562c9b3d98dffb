#include "wire/entries.hpp"

#include "wire/fields.hpp"
#include "wire/reader.hpp"
#include "wire/writer.hpp"

namespace flare::wire {
namespace {

constexpr std::size_t kMaxTitleBytes = 256;

std::size_t changed_member_size(const ChangedMember& member) noexcept {
    return number_size(member.row) + bytes_size(member.user.size()) +
           number_size(static_cast<std::uint64_t>(member.role)) + number_size(member.muted_until_ms) +
           number_size(member.banned_until_ms) + number_size(member.invited);
}

char* put_changed_member(char* out, const ChangedMember& member) noexcept {
    out = put_number(out, 1, member.row);
    out = put_bytes(out, 2, member.user);
    out = put_number(out, 3, static_cast<std::uint64_t>(member.role));
    out = put_number(out, 4, member.muted_until_ms);
    out = put_number(out, 5, member.banned_until_ms);
    return put_number(out, 6, member.invited);
}

std::size_t config_size(const model::Config& config) noexcept {
    return bytes_size(config.title.size()) + number_size(static_cast<std::uint64_t>(config.join)) +
           number_size(static_cast<std::uint64_t>(config.visibility)) + number_size(config.max_payload_bytes) +
           number_size(config.slow_mode_ms) + number_size(config.frozen);
}

char* put_config(char* out, const model::Config& config) noexcept {
    out = put_bytes(out, 1, config.title);
    out = put_number(out, 2, static_cast<std::uint64_t>(config.join));
    out = put_number(out, 3, static_cast<std::uint64_t>(config.visibility));
    out = put_number(out, 4, config.max_payload_bytes);
    out = put_number(out, 5, config.slow_mode_ms);
    return put_number(out, 6, config.frozen);
}

errc read_changed_member(std::string_view bytes, ChangedMember& member) {
    Reader reader(bytes);
    while (reader.next()) {
        switch (reader.tag()) {
            case number_tag(1): member.row = reader.number(); break;
            case bytes_tag(2): member.user = reader.text(kMaxNameBytes); break;
            case number_tag(3): member.role = to_enum(reader.number(), model::Role::owner, model::Role::none); break;
            case number_tag(4): member.muted_until_ms = reader.number(); break;
            case number_tag(5): member.banned_until_ms = reader.number(); break;
            case number_tag(6): member.invited = reader.number() != 0; break;
            default: reader.skip(6);
        }
    }
    return reader.code();
}

errc read_config(std::string_view bytes, model::Config& config) {
    config.max_payload_bytes = 0;
    Reader reader(bytes);
    while (reader.next()) {
        switch (reader.tag()) {
            case bytes_tag(1): config.title = reader.text(kMaxTitleBytes); break;
            case number_tag(2): config.join = to_enum(reader.number(), model::Join::open, model::Join::invite); break;
            case number_tag(3):
                config.visibility = to_enum(reader.number(), model::Visibility::all, model::Visibility::since_join);
                break;
            case number_tag(4): config.max_payload_bytes = reader.small_number(); break;
            case number_tag(5): config.slow_mode_ms = reader.small_number(); break;
            case number_tag(6): config.frozen = reader.number() != 0; break;
            default: reader.skip(6);
        }
    }
    return reader.code();
}

}  // namespace

std::string encode(const ConversationChange& change) {
    std::size_t size = number_size(static_cast<std::uint64_t>(change.kind));
    for (const ChangedMember& member : change.members) size += part_size(changed_member_size(member));
    if (change.config) size += part_size(config_size(*change.config));

    std::string bytes(size, '\0');
    char* out = put_number(bytes.data(), 1, static_cast<std::uint64_t>(change.kind));
    for (const ChangedMember& member : change.members)
        out = put_changed_member(put_varint(put_tag(out, bytes_tag(2)), changed_member_size(member)), member);
    if (change.config) put_config(put_varint(put_tag(out, bytes_tag(3)), config_size(*change.config)), *change.config);
    return bytes;
}

Result<ConversationChange> decode_conversation_change(std::string_view payload) {
    ConversationChange change;
    Reader reader(payload);
    while (reader.next()) {
        switch (reader.tag()) {
            case number_tag(1):
                change.kind = to_enum(reader.number(), ChangeKind::invited, ChangeKind::unspecified);
                break;
            case bytes_tag(2):
                if (change.members.size() == kMaxChangedMembers) {
                    reader.fail();
                } else {
                    reader.join(read_changed_member(reader.bytes(), change.members.emplace_back()));
                }
                break;
            case bytes_tag(3): reader.join(read_config(reader.bytes(), change.config.emplace())); break;
            default: reader.skip(3);
        }
    }
    if (reader.failed()) return reader.error();
    return change;
}

}  // namespace flare::wire
