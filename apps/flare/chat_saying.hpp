// What a person says in a chat, as a message: whom it names and what it answers; and of what others have said, enough
// to show what an answer is to.
//
// Threads: one, that of the chat; pure state.
#pragma once

#include <flare/message.hpp>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace flare::cli {

// "@bob, @eve: tea?" names bob and eve; "@all" names all members. A name ends at a space; what stands behind it of
// ",.:;!?)" does not belong to it.
Message said_in_chat(const std::string& text);

// "see you at nine" or "see you at nine …": the first words, in one line.
std::string first_words(std::string_view text);

// The newest messages of all conversations, shortened.
class ChatQuotes {
public:
    static constexpr std::size_t kMost = 1000;  // beyond: the oldest are forgotten

    void note(const std::string& conversation, std::uint64_t offset, std::string_view from, std::string_view text);
    // "ann: see you …", or "message 7" of one that is not known.
    std::string of(const std::string& conversation, std::uint64_t offset) const;

private:
    using Place = std::pair<std::string, std::uint64_t>;
    std::map<Place, std::string> all_;
    std::deque<Place> order_;  // as they came
};

}  // namespace flare::cli
