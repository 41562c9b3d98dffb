#include "api/request.hpp"

#include "base/utf8.hpp"

#include <flare/printable.hpp>

#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include <algorithm>
#include <array>

namespace flare::cli::api {
namespace json = boost::json;
namespace http = transport::http;

namespace {

constexpr std::size_t kMaxDigits = 20;

// RFC 3986 section 2.3: all but the unreserved.
std::string escaped(std::string_view text) {
    constexpr std::string_view kDigits = "0123456789ABCDEF";
    constexpr std::string_view kAsIs = "-._~ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    std::string out;
    for (const char c : text) {
        if (kAsIs.find(c) != kAsIs.npos) {
            out += c;
        } else {
            const auto byte = static_cast<unsigned char>(c);
            out.append({'%', kDigits[byte >> 4], kDigits[byte & 15]});
        }
    }
    return out;
}

Failure wrong(const Parameter& parameter, const std::string& why) {
    return {errc::invalid_config, "--" + std::string(parameter.option) + " " + why};
}

// What is typed wrongly; nothing: all is well.
std::optional<Failure> fault_of(const Parameter& parameter, const std::vector<std::string>& values) {
    const bool several = parameter.kind == Kind::texts || parameter.kind == Kind::text_or_texts;
    if (values.size() > 1 && !several) return wrong(parameter, "is given twice");
    for (const std::string& value : values) {
        if (!base::is_utf8(value)) return wrong(parameter, "is not UTF-8");
        const bool digits = !value.empty() && value.size() <= kMaxDigits &&
                            std::ranges::all_of(value, [](char c) { return c >= '0' && c <= '9'; });
        if (parameter.kind == Kind::number && !digits)
            return wrong(parameter, "takes a whole number, not '" + printable(value) + "'");
        if (parameter.kind == Kind::flag && value != "true" && value != "false")
            return wrong(parameter, "is true or false, not '" + printable(value) + "'");
        if (parameter.place == Place::path && value.empty()) return wrong(parameter, "is empty");
        if (parameter.place == Place::header &&
            std::ranges::any_of(value, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }))
            return wrong(parameter, "has a control character");
    }
    return std::nullopt;
}

Checked<json::value> json_of(const Parameter& parameter, const std::vector<std::string>& values) {
    const bool alone = values.size() == 1 && parameter.kind == Kind::text_or_texts;
    if ((parameter.kind == Kind::texts || parameter.kind == Kind::text_or_texts) && !alone)
        return json::value(json::array(values.begin(), values.end()));
    const std::string& value = values.front();
    if (parameter.kind == Kind::flag) return json::value(value == "true");
    if (parameter.kind != Kind::json) return json::value(value);
    boost::system::error_code error;
    json::value read = json::parse(value, error);
    if (error) return wrong(parameter, "is not JSON: " + error.message());
    return read;
}

Checked<json::object> object_of(const std::optional<std::string>& body) {
    if (!body) return json::object();
    boost::system::error_code error;
    json::value read = json::parse(*body, error);
    if (error) return Failure(errc::invalid_config, "--body is not JSON: " + error.message());
    if (!read.is_object()) return Failure(errc::invalid_config, "--body is no JSON object");
    return read.as_object();
}

void replace(std::string& in, const std::string& what, const std::string& by) {
    if (const std::size_t at = in.find(what); at != in.npos) in.replace(at, what.size(), by);
}

}  // namespace

Checked<http::Question> question_of(const Call& call, const Typed& typed) {
    auto body = object_of(typed.body);
    if (!body) return body.error();
    std::string path(call.path);
    std::string query;
    http::Question question;
    for (const Parameter& parameter : call.parameters) {
        const auto given = typed.values.find(parameter.option);
        if (given == typed.values.end() || given->second.empty()) {
            const bool in_body = parameter.place == Place::body && body->contains(parameter.name);
            if (parameter.required && !in_body) return wrong(parameter, "is missing");
            continue;
        }
        if (auto fault = fault_of(parameter, given->second)) return *fault;
        const std::string& value = given->second.front();
        switch (parameter.place) {
            case Place::path: replace(path, "{" + std::string(parameter.name) + "}", escaped(value)); break;
            case Place::query:
                query.append(query.empty() ? "?" : "&").append(parameter.name).append("=").append(escaped(value));
                break;
            case Place::header: question.fields.add(parameter.name, value); break;
            case Place::body: {
                auto read = json_of(parameter, given->second);
                if (!read) return read.error();
                (*body)[parameter.name] = std::move(*read);
                break;
            }
        }
    }
    question.method = call.method;
    question.target = path + query;
    if (call.has_body()) {
        question.fields.add("Content-Type", "application/json");
        question.body = json::serialize(*body);
    }
    return question;
}

}  // namespace flare::cli::api
