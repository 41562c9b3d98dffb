#include "api_table.hpp"

#include "line_editor.hpp"

#include <flare/printable.hpp>

#include <boost/json/serialize.hpp>

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

namespace flare::cli {
namespace json = boost::json;

namespace {

using ApiMembers = std::vector<std::pair<std::string, std::string>>;

// Of a conversation; with them a list is wider than a terminal.
constexpr std::array<std::string_view, 2> kLeftOut{"head", "config"};

bool is_left_out(std::string_view name) { return std::ranges::find(kLeftOut, name) != kLeftOut.end(); }

std::string cell_of(const json::value& value) {
    if (value.is_null()) return "-";
    if (value.is_string()) return printable(std::string(value.as_string()));
    if (!value.is_array()) return printable(json::serialize(value));
    std::string text;
    for (const json::value& each : value.as_array()) text.append(text.empty() ? "" : ", ").append(cell_of(each));
    return text;
}

// Of what is told of one of several that failed.
std::string problem_cell(const json::object& problem) {
    const auto text = [&](std::string_view name) {
        const json::value* const found = problem.if_contains(name);
        return found == nullptr ? std::string() : cell_of(*found);
    };
    return text("errc") + ": " + text("detail");
}

void flatten(const json::object& object, const std::string& at, ApiMembers& members) {
    for (const auto& [key, value] : object) {
        const std::string name = at + printable(std::string(key));
        if (name == "error" && value.is_object()) {
            members.emplace_back(name, problem_cell(value.as_object()));
        } else if (value.is_object()) {
            flatten(value.as_object(), name + ".", members);
        } else {
            members.emplace_back(name, cell_of(value));
        }
    }
}

std::string widened(const std::string& text, std::size_t width) {
    const std::size_t has = columns_of(text);
    return has < width ? text + std::string(width - has, ' ') : text;
}

std::string without_end(std::string line) {
    while (line.ends_with(' ')) line.pop_back();
    return line;
}

}  // namespace

void ApiTable::take(const json::value& item, std::vector<Row>& rows) {
    if (!item.is_object()) {
        rows.push_back({{std::string(), cell_of(item)}});
        return;
    }
    const json::object& object = item.as_object();
    // Of a message to many.
    if (const json::value* const inner = object.if_contains("results"); inner != nullptr && inner->is_array()) {
        for (const json::value& each : inner->as_array()) take(each, rows);
        return;
    }
    Row row;
    flatten(object, {}, row);
    if (!chosen_)
        std::erase_if(row, [](const auto& each) { return is_left_out(each.first.substr(0, each.first.find('.'))); });
    rows.push_back(std::move(row));
}

std::vector<std::string> ApiTable::add(const json::array& page) {
    std::vector<Row> rows;
    for (const json::value& item : page) take(item, rows);
    for (const Row& row : rows) {
        for (const auto& [name, cell] : row) {
            if (!chosen_ && std::ranges::find(columns_, name) == columns_.end()) columns_.push_back(name);
        }
    }
    const bool has_head = widths_.size() < columns_.size();
    for (std::size_t i = widths_.size(); i < columns_.size(); ++i) widths_.push_back(columns_of(columns_[i]));
    std::vector<std::vector<std::string>> lines_of_cells;
    for (const Row& row : rows) {
        std::vector<std::string> cells;
        for (std::size_t i = 0; i < columns_.size(); ++i) {
            const auto found = std::ranges::find(row, columns_[i], &Row::value_type::first);
            std::string cell = found == row.end() ? std::string() : found->second;
            if (widest_ != 0 && columns_of(cell) > widest_) cell = clipped(cell, widest_ - 1) + "…";
            widths_[i] = std::max(widths_[i], columns_of(cell));
            cells.push_back(std::move(cell));
        }
        lines_of_cells.push_back(std::move(cells));
    }
    const auto line_of = [this](const std::vector<std::string>& cells) {
        std::string line;
        for (std::size_t i = 0; i < cells.size(); ++i) line += widened(cells[i], widths_[i] + 2);
        return without_end(std::move(line));
    };
    std::vector<std::string> lines;
    const bool texts_alone = columns_.size() == 1 && columns_.front().empty();
    if (has_head && !texts_alone) lines.push_back(line_of(columns_));
    for (const auto& cells : lines_of_cells) lines.push_back(line_of(cells));
    return lines;
}

std::vector<std::string> api_lines(const json::object& answer, std::string_view list) {
    json::object rest = answer;
    rest.erase("next");
    if (!list.empty()) {
        rest.erase(list);
        for (const std::string_view name : kLeftOut) rest.erase(name);
    }
    ApiMembers members;
    flatten(rest, {}, members);
    std::size_t width = 0;
    for (const auto& [name, value] : members) width = std::max(width, columns_of(name));
    std::vector<std::string> lines;
    for (const auto& [name, value] : members) lines.push_back(without_end(widened(name, width + 2) + value));
    return lines;
}

}  // namespace flare::cli
