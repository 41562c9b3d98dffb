#include "model/conversation.hpp"

#include <charconv>

namespace flare::model {
namespace {

// "d5:aliceBob": where the first name begins and how long it is; size 0: the text is none.
struct First {
    std::size_t begin = 0;
    std::size_t size = 0;
};
First first_of(std::string_view text) noexcept {
    First first;
    if (!text.starts_with('d')) return {};
    const char* const end = text.data() + text.size();
    const auto [at, error] = std::from_chars(text.data() + 1, end, first.size);
    if (error != std::errc() || at == end || *at != ':') return {};
    first.begin = static_cast<std::size_t>(at - text.data()) + 1;
    return first.size < text.size() - first.begin ? first : First{};
}

}  // namespace

ConversationKey ConversationKey::room(std::string_view name) {
    base::PooledString text;
    text.reserve(name.size() + 1);
    text += 'r';
    text += name;
    return ConversationKey(std::move(text));
}

ConversationKey ConversationKey::direct(std::string_view one, std::string_view other) {
    if (other < one) std::swap(one, other);
    char digits[20];
    const auto [end, error] = std::to_chars(digits, digits + sizeof digits, one.size());
    base::PooledString text;
    text.reserve(2 + sizeof digits + one.size() + other.size());
    text += 'd';
    text.append(digits, end);
    text += ':';
    text += one;
    text += other;
    return ConversationKey(std::move(text));
}

ConversationKey ConversationKey::parse(std::string_view text) {
    if (text.starts_with('r') && text.size() > 1) return ConversationKey(base::PooledString(text));
    const First first = first_of(text);
    if (first.size == 0) return {};
    const std::string_view one = text.substr(first.begin, first.size);
    ConversationKey key = direct(one, text.substr(first.begin + first.size));
    return key.text() == text ? key : ConversationKey();
}

std::string_view ConversationKey::first() const noexcept {
    const First first = first_of(text_);
    return std::string_view(text_).substr(first.begin, first.size);
}

std::string_view ConversationKey::second() const noexcept {
    const First first = first_of(text_);
    return std::string_view(text_).substr(first.begin + first.size);
}

}  // namespace flare::model
