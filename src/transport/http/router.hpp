// Which route a request takes: by its method and by the path of its target.
//
// A template is a path of literal segments and of names in braces, each of which takes one segment: "/v1/users/{user}".
// Where both fit, a literal goes first. A path is split before its escapes are decoded, so what a name takes may hold a
// slash. HEAD takes the route of GET.
//
// Protocol: RFC 9110 section 9; RFC 3986 sections 2.1 and 3.3.
// Threads:  any, once all routes are added.
#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace flare::transport::http {

// Names with their values, decoded; few.
class Parameters {
public:
    void add(std::string name, std::string value) { all_.emplace_back(std::move(name), std::move(value)); }
    // Null: there is none.
    const std::string* find(std::string_view name) const noexcept;
    const std::vector<std::pair<std::string, std::string>>& all() const noexcept { return all_; }
    void pop() { all_.pop_back(); }

private:
    std::vector<std::pair<std::string, std::string>> all_;
};

class Router {
public:
    static constexpr std::size_t kMaxSegments = 16;
    static constexpr std::size_t kMaxQuery = 32;  // parameters

    struct Match {
        std::size_t route = 0;
        Parameters path{};
        Parameters query{};
    };
    enum class Miss : unsigned char {
        unreadable,  // escapes that are none, no UTF-8, a zero byte, or a name in the query that comes twice
        not_found,
        method,  // the path is known, and the method is not: `allow` names those that are
    };
    struct Missed {
        Miss why = Miss::not_found;
        std::string allow{};
    };
    using Found = std::variant<Match, Missed>;

    // `route`: what Match says. Precondition: the two are not there yet, also under other names in braces.
    void add(std::string_view method, std::string_view path, std::size_t route);
    // `target`: in origin form, with or without a query.
    Found find(std::string_view method, std::string_view target) const;

private:
    struct Node {
        std::map<std::string, std::unique_ptr<Node>, std::less<>> literals{};
        std::map<std::string, std::unique_ptr<Node>, std::less<>> named{};  // by the name in braces
        std::map<std::string, std::size_t, std::less<>> methods{};
    };
    using Segments = std::vector<std::string>;

    static const Node* walk(const Node& node, const Segments& segments, std::size_t at, std::string_view method,
                            Parameters& taken);
    static std::string methods_of(const Node& node, const Segments& segments, std::size_t at);

    Node root_;
};

// The text without its escapes. Nothing: they are none, or what is left is no UTF-8, or has a zero byte. `plus`: a plus
// sign stands for a blank, as forms write it.
std::optional<std::string> unescaped(std::string_view text, bool plus = false);

}  // namespace flare::transport::http
