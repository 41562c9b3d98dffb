// Answers of the server API as people read them: lists as tables, the rest as lines of names and values.
//
// Threads: values. columns_of() needs a locale with UTF-8.
#pragma once

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace flare::cli {

// A list, page by page: later pages have the columns of those before, and their widths at least.
class ApiTable {
public:
    // `columns`: those that are shown, in this order, as "conversation" or "head.last"; empty: all but the parts of a
    // conversation that get_conversation shows. `widest`: of a cell, which is cut there; 0: none is.
    ApiTable(std::vector<std::string> columns, std::size_t widest)
        : columns_(columns), chosen_(!columns.empty()), widest_(widest) {}

    // Its lines; with a head where it has columns that no page before had. Texts alone have none.
    std::vector<std::string> add(const boost::json::array& page);

private:
    using Row = std::vector<std::pair<std::string, std::string>>;  // column, cell

    void take(const boost::json::value& item, std::vector<Row>& rows);

    std::vector<std::string> columns_;
    std::vector<std::size_t> widths_;  // as columns_; fewer: those are new
    const bool chosen_;
    const std::size_t widest_;
};

// "name  value" of each member but `list` and `next`; nested ones as "head.last". With a list, the parts that its
// rows leave out are left out too.
std::vector<std::string> api_lines(const boost::json::object& answer, std::string_view list);

}  // namespace flare::cli
