// Parses one line of a flight record.
//
// Threads: values.
#pragma once

#include <boost/json/object.hpp>

#include <optional>
#include <string>
#include <string_view>

namespace flare::flight {

class Record {
public:
    static constexpr std::size_t kMaxLineBytes = 64 * 1024;

    // Nothing: it is none; `why` says so.
    static std::optional<Record> read(std::string_view line, std::string& why);

    double at_ms() const { return number("t_ms"); }
    // What is missing, or of another type, is empty, 0, false.
    std::string text(std::string_view key) const;
    double number(std::string_view key) const;
    bool flag(std::string_view key) const;
    bool has(std::string_view key) const;
    const boost::json::object& object() const { return object_; }
    std::string event() const { return text("event"); }

    Record() = default;
    explicit Record(boost::json::object object) : object_(std::move(object)) {}

private:
    boost::json::object object_;
};

}  // namespace flare::flight
