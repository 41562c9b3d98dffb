#include "server/conversations/people.hpp"

namespace flare::server {

errc People::count(store::Reader& reader, store::Row user, std::uint32_t& conversations) const {
    if (user == 0) return errc::ok;
    const auto counted = reader.count_conversations(user, most_conversations);
    if (!counted) return static_cast<errc>(counted.error().value());
    conversations = *counted;
    return errc::ok;
}

errc People::look_up(store::Reader& reader, std::vector<im::command::Person>& people) const {
    for (std::size_t i = 0; i < people.size(); ++i) {
        im::command::Person& person = people[i];
        if (person.user == 0) continue;
        if (const errc code = count(reader, person.user, person.conversations); code != errc::ok) return code;
        if (!invites) continue;
        const auto counted = reader.count_invitations(person.user, most_invited);
        if (!counted) return static_cast<errc>(counted.error().value());
        person.invitations = *counted;
        const auto direct = reader.conversation(model::ConversationKey::direct(by, users[i]));
        if (!direct) return static_cast<errc>(direct.error().value());
        if (!*direct) continue;
        const auto member = reader.member((*direct)->row, person.user);
        if (!member) return static_cast<errc>(member.error().value());
        person.blocks = *member && (*member)->blocks;
    }
    return errc::ok;
}

}  // namespace flare::server
