#include "transport/http/router.hpp"

#include "base/assert.hpp"
#include "base/utf8.hpp"

#include <algorithm>
#include <set>

namespace flare::transport::http {
namespace {

int value_of(char digit) noexcept {
    if (digit >= '0' && digit <= '9') return digit - '0';
    if (digit >= 'a' && digit <= 'f') return digit - 'a' + 10;
    if (digit >= 'A' && digit <= 'F') return digit - 'A' + 10;
    return -1;
}

// Of a path that begins with a slash; a slash at the end is an empty segment.
std::vector<std::string_view> split(std::string_view text, char by) {
    std::vector<std::string_view> parts;
    for (;;) {
        const std::size_t end = text.find(by);
        parts.push_back(text.substr(0, end));
        if (end == std::string_view::npos) return parts;
        text.remove_prefix(end + 1);
    }
}

bool is_name(std::string_view segment) noexcept {
    return segment.size() > 2 && segment.front() == '{' && segment.back() == '}';
}

// GET stands for HEAD where that has no route of its own.
const std::size_t* route_of(const std::map<std::string, std::size_t, std::less<>>& methods, std::string_view method) {
    auto found = methods.find(method);
    if (found == methods.end() && method == "HEAD") found = methods.find("GET");
    return found == methods.end() ? nullptr : &found->second;
}

// False: a name comes twice, or there are too many, or what cannot be read.
bool read_query(std::string_view text, Parameters& query) {
    if (text.empty()) return true;
    for (const std::string_view part : split(text, '&')) {
        if (part.empty()) continue;
        const std::size_t equals = part.find('=');
        auto name = unescaped(part.substr(0, equals), true);
        auto value = equals == std::string_view::npos ? std::optional<std::string>("")
                                                      : unescaped(part.substr(equals + 1), true);
        if (!name || !value || query.all().size() == Router::kMaxQuery || query.find(*name) != nullptr) return false;
        query.add(std::move(*name), std::move(*value));
    }
    return true;
}

}  // namespace

const std::string* Parameters::find(std::string_view name) const noexcept {
    const auto found = std::ranges::find(all_, name, [](const auto& each) { return std::string_view(each.first); });
    return found == all_.end() ? nullptr : &found->second;
}

std::optional<std::string> unescaped(std::string_view text, bool plus) {
    std::string out;
    out.reserve(text.size());
    for (std::size_t i = 0; i < text.size(); ++i) {
        char byte = text[i];
        if (byte == '%') {
            const int high = i + 1 < text.size() ? value_of(text[i + 1]) : -1;
            const int low = i + 2 < text.size() ? value_of(text[i + 2]) : -1;
            if (high < 0 || low < 0) return std::nullopt;
            byte = static_cast<char>(high * 16 + low);
            i += 2;
        } else if (byte == '+' && plus) {
            byte = ' ';
        }
        if (byte == '\0') return std::nullopt;
        out.push_back(byte);
    }
    if (!base::is_utf8(out)) return std::nullopt;
    return out;
}

void Router::add(std::string_view method, std::string_view path, std::size_t route) {
    Node* node = &root_;
    for (const std::string_view segment : split(path.substr(1), '/')) {
        auto& children = is_name(segment) ? node->named : node->literals;
        const std::string_view name = is_name(segment) ? segment.substr(1, segment.size() - 2) : segment;
        auto& child = children[std::string(name)];
        if (child == nullptr) child = std::make_unique<Node>();
        node = child.get();
    }
    const bool fresh = node->methods.emplace(method, route).second;
    FLARE_INVARIANT(fresh, "two routes are the same");
}

const Router::Node* Router::walk(const Node& node, const Segments& segments, std::size_t at, std::string_view method,
                                 Parameters& taken) {
    if (at == segments.size()) return route_of(node.methods, method) != nullptr ? &node : nullptr;
    if (const auto literal = node.literals.find(segments[at]); literal != node.literals.end()) {
        if (const Node* const found = walk(*literal->second, segments, at + 1, method, taken)) return found;
    }
    if (segments[at].empty()) return nullptr;
    for (const auto& [name, child] : node.named) {
        taken.add(name, segments[at]);
        if (const Node* const found = walk(*child, segments, at + 1, method, taken)) return found;
        taken.pop();
    }
    return nullptr;
}

// Of all routes with such a path, whatever the method.
std::string Router::methods_of(const Node& node, const Segments& segments, std::size_t at) {
    std::set<std::string> methods;
    const auto collect = [&](const auto& self, const Node& from, std::size_t next) -> void {
        if (next == segments.size()) {
            for (const auto& [method, route] : from.methods) methods.insert(method);
            return;
        }
        if (const auto literal = from.literals.find(segments[next]); literal != from.literals.end())
            self(self, *literal->second, next + 1);
        if (segments[next].empty()) return;
        for (const auto& [name, child] : from.named) self(self, *child, next + 1);
    };
    collect(collect, node, at);
    if (methods.empty()) return {};
    if (methods.contains("GET")) methods.insert("HEAD");
    methods.insert("OPTIONS");
    std::string allow;
    for (const std::string& method : methods) allow += (allow.empty() ? "" : ", ") + method;
    return allow;
}

Router::Found Router::find(std::string_view method, std::string_view target) const {
    const std::size_t question = target.find('?');
    const std::string_view path = target.substr(0, question);
    if (!path.starts_with('/')) return Missed{};
    Segments segments;
    for (const std::string_view part : split(path.substr(1), '/')) {
        auto segment = unescaped(part);
        if (!segment) return Missed{Miss::unreadable};
        if (segments.size() == kMaxSegments) return Missed{};
        segments.push_back(std::move(*segment));
    }
    Match match;
    if (question != std::string_view::npos && !read_query(target.substr(question + 1), match.query))
        return Missed{Miss::unreadable};
    if (const Node* const found = walk(root_, segments, 0, method, match.path)) {
        match.route = *route_of(found->methods, method);
        return match;
    }
    std::string allow = methods_of(root_, segments, 0);
    if (allow.empty()) return Missed{};
    return Missed{Miss::method, std::move(allow)};
}

}  // namespace flare::transport::http
