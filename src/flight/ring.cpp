#include "flight/ring.hpp"

#include <utility>

namespace flare::flight {

void Ring::add(std::string line, Of of) {
    Part& part = parts_[static_cast<std::size_t>(of)];
    const Bounds most = bounds(of);
    part.bytes += line.size();
    part.lines.push_back({next_++, std::move(line)});
    while (part.lines.size() > most.lines || part.bytes > most.bytes) {
        part.bytes -= part.lines.front().line.size();
        part.lines.pop_front();
    }
}

std::string Ring::text() const {
    std::string text;
    text.reserve(head_.size() + parts_[0].bytes + parts_[1].bytes + lines() + 1);
    if (!head_.empty()) text.append(head_).append(1, '\n');
    auto one = parts_[0].lines.begin();
    auto other = parts_[1].lines.begin();
    while (one != parts_[0].lines.end() || other != parts_[1].lines.end()) {
        const bool first =
            other == parts_[1].lines.end() || (one != parts_[0].lines.end() && one->number < other->number);
        text.append((first ? one++ : other++)->line).append(1, '\n');
    }
    return text;
}

}  // namespace flare::flight
