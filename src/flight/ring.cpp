#include "flight/ring.hpp"

#include <utility>

namespace flare::flight {

void Ring::add(std::string line) {
    bytes_ += line.size();
    lines_.push_back(std::move(line));
    while (lines_.size() > kMaxLines || bytes_ > kMaxBytes) {
        bytes_ -= lines_.front().size();
        lines_.pop_front();
    }
}

std::string Ring::text() const {
    std::string text;
    text.reserve(head_.size() + bytes_ + lines_.size() + 1);
    if (!head_.empty()) text.append(head_).append(1, '\n');
    for (const std::string& line : lines_) text.append(line).append(1, '\n');
    return text;
}

}  // namespace flare::flight
