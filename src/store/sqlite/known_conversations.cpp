#include "store/sqlite/known_conversations.hpp"

#include <utility>

namespace flare::store::sqlite {

const KnownConversations::Place& KnownConversations::take(Row row) {
    auto& chunk = chunks_[row % kMost / kRows];
    if (chunk == nullptr) chunk = std::make_unique<Chunk>();
    Place& place = *at(row);
    if (place.row != row) place = {.row = row, .ticket = ++last_ticket_};
    return place;
}

const KnownConversations::Place* KnownConversations::find(Row row) const noexcept {
    const Place* const place = at(row);
    return place != nullptr && place->row == row && place->conversation != nullptr ? place : nullptr;
}

void KnownConversations::learn(Row row, std::uint64_t ticket,
                               std::shared_ptr<const Conversation> conversation) noexcept {
    Place* const place = at(row);
    if (place == nullptr || place->row != row || place->ticket != ticket || place->conversation != nullptr) return;
    place->head = conversation->head;
    place->conversation = std::move(conversation);
}

void KnownConversations::publish(Row row, const model::Head& head, bool reshaped) noexcept {
    Place* const place = at(row);
    if (place == nullptr || place->row != row) return;
    if (reshaped || place->conversation == nullptr) {
        *place = {};
    } else {
        place->head = head;
    }
}

}  // namespace flare::store::sqlite
