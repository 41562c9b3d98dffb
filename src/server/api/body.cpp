#include "server/api/body.hpp"

#include "base/rfc3339.hpp"
#include "wire/base64.hpp"

#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>

#include <algorithm>
#include <charconv>

namespace flare::server::api {
namespace {

constexpr std::size_t kMaxDepth = 16;

std::optional<std::uint64_t> number_of(const boost::json::value& value) {
    if (const auto* const unsigned_ = value.if_uint64()) return *unsigned_;
    if (const auto* const signed_ = value.if_int64())
        return *signed_ >= 0 ? std::optional(static_cast<std::uint64_t>(*signed_)) : std::nullopt;
    const auto* const text = value.if_string();
    if (text == nullptr || text->empty()) return std::nullopt;
    std::uint64_t number = 0;
    const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), number);
    if (error != std::errc() || end != text->data() + text->size()) return std::nullopt;
    return number;
}

}  // namespace

std::variant<boost::json::object, Problem> parse_body(std::string_view text) {
    if (text.empty()) return boost::json::object();
    boost::system::error_code error;
    boost::json::parse_options options;
    options.max_depth = kMaxDepth;
    boost::json::value value = boost::json::parse({text.data(), text.size()}, error, {}, options);
    if (error) return malformed("the body is not JSON (RFC 8259): " + error.message());
    if (!value.is_object()) return malformed("the body is JSON, but no object");
    return std::move(value.get_object());
}

const boost::json::value* Body::find(std::string_view name) const {
    known_.push_back(name);
    const boost::json::value* const found = object_.if_contains(boost::json::string_view(name.data(), name.size()));
    return found == nullptr || found->is_null() ? nullptr : found;
}

std::string Body::path_of(std::string_view name) const {
    return at_.empty() ? std::string(name) : at_ + "." + std::string(name);
}

void Body::wrong(std::string_view name, std::string detail, errc code) {
    if (problem_) return;
    problem_ = problem_of(code, detail);
    problem_->status = status_of(code);
    problem_->field = path_of(name);
}

std::optional<std::string> Body::text(std::string_view name, std::size_t most_bytes) {
    const boost::json::value* const found = find(name);
    if (found == nullptr) return std::nullopt;
    if (!found->is_string()) {
        wrong(name, "a string is needed here");
        return std::nullopt;
    }
    const boost::json::string& text = found->get_string();
    if (text.size() > most_bytes) {
        wrong(name, "at most " + std::to_string(most_bytes) + " bytes may be here");
        return std::nullopt;
    }
    return std::string(text.data(), text.size());
}

std::string Body::required(std::string_view name, std::size_t most_bytes) {
    auto found = text(name, most_bytes);
    if (!found) wrong(name, "this field is needed");
    return found.value_or(std::string());
}

std::optional<bool> Body::flag(std::string_view name) {
    const boost::json::value* const found = find(name);
    if (found == nullptr) return std::nullopt;
    if (!found->is_bool()) {
        wrong(name, "true or false is needed here");
        return std::nullopt;
    }
    return found->get_bool();
}

std::optional<std::uint64_t> Body::number(std::string_view name, std::uint64_t most) {
    const boost::json::value* const found = find(name);
    if (found == nullptr) return std::nullopt;
    const auto number = number_of(*found);
    if (number && *number <= most) return number;
    wrong(name, "a whole number from 0 to " + std::to_string(most) + " is needed here, as a number or a string");
    return std::nullopt;
}

std::optional<Uuid> Body::uuid(std::string_view name) {
    const auto written = text(name);
    if (!written) return std::nullopt;
    const auto id = Uuid::parse(*written);
    if (!id || id->is_nil()) {
        wrong(name, "a UUID is needed here, and not the one of zeros", errc::invalid_message_id);
        return std::nullopt;
    }
    return id;
}

std::optional<std::chrono::system_clock::time_point> Body::time(std::string_view name) {
    const auto written = text(name);
    if (!written) return std::nullopt;
    if (*written == "forever") return std::chrono::system_clock::time_point::max();
    const auto time = base::from_rfc3339(*written);
    if (!time) wrong(name, "a time like 2027-01-01T00:00:00Z is needed here, or \"forever\"");
    return time;
}

const boost::json::array* Body::array(std::string_view name, std::size_t most) {
    const boost::json::value* const found = find(name);
    if (found == nullptr) return nullptr;
    if (!found->is_array()) {
        wrong(name, "an array is needed here");
        return nullptr;
    }
    if (found->get_array().size() > most) {
        wrong(name, "at most " + std::to_string(most) + " may be here");
        return nullptr;
    }
    return &found->get_array();
}

std::vector<std::string> Body::texts(std::string_view name, std::size_t most, std::size_t most_bytes) {
    std::vector<std::string> texts;
    const boost::json::array* const values = array(name, most);
    if (values == nullptr) return texts;
    for (std::size_t i = 0; i < values->size(); ++i) {
        const boost::json::value& value = (*values)[i];
        const std::string at = std::string(name) + "[" + std::to_string(i) + "]";
        if (!value.is_string()) {
            wrong(at, "a string is needed here");
            return texts;
        }
        const boost::json::string& text = value.get_string();
        if (text.size() > most_bytes) {
            wrong(at, "at most " + std::to_string(most_bytes) + " bytes may be here");
            return texts;
        }
        texts.emplace_back(text.data(), text.size());
    }
    return texts;
}

std::optional<Bytes> Body::payload(std::size_t most_bytes) {
    const bool both = has("text") && has("base64");
    if (both) wrong("base64", "a payload is \"text\" or \"base64\", not both");
    const auto plain = text("text", SIZE_MAX);
    const auto packed = text("base64", SIZE_MAX);
    std::optional<std::string> bytes = plain;
    if (packed) {
        bytes = wire::from_base64(*packed);
        if (!bytes) wrong("base64", "this is no base64 (RFC 4648)");
    }
    if (bytes && bytes->size() > most_bytes) {
        wrong(plain ? "text" : "base64", "a payload has at most " + std::to_string(most_bytes) + " bytes",
              errc::message_too_large);
        return std::nullopt;
    }
    if (!bytes) return std::nullopt;
    return Bytes(std::move(*bytes));
}

bool Body::finish() {
    for (const auto& member : object_) {
        const std::string_view name(member.key().data(), member.key().size());
        if (std::ranges::find(known_, name) == known_.end()) wrong(name, "no such field is known here");
    }
    return !problem_;
}

}  // namespace flare::server::api
