#include "server/conversations/user_rows.hpp"

#include "server/worker/shard.hpp"

#include <algorithm>
#include <utility>

namespace flare::server {

void UserRows::find(std::vector<std::string> names, Then then) {
    const auto search = std::make_shared<Search>(Search{std::move(names), {}, std::move(then)});
    store_.read(
        [search](store::Reader& reader) {
            for (const std::string& name : search->names) {
                const auto row = reader.user(name);
                if (!row) return static_cast<errc>(row.error().value());
                search->rows.push_back(row->value_or(0));
            }
            return errc::ok;
        },
        [this, search](errc code) {
            if (code != errc::ok) return search->then(search->rows, code);
            find_connected(search, 0);
        });
}

// From `at` on. One after the other: it is rare that there is one.
void UserRows::find_connected(const SearchPtr& search, std::size_t at) {
    while (at < search->rows.size() && search->rows[at] != 0) ++at;
    if (at == search->rows.size()) return search->then(search->rows, errc::ok);
    router_.ask(
        index_, router_.home_of(search->names[at]),
        [name = search->names[at]](Shard& shard) { return !shard.table().of_user(name).empty(); },
        [this, search, at](Shard&, bool is_here) {
            if (!is_here) return search->then(search->rows, errc::ok);
            add(search, at);
        });
}

void UserRows::add(const SearchPtr& search, std::size_t at) {
    auto batch = std::make_unique<store::WriteBatch>();
    batch->writes.emplace_back().what = store::NewUser{search->names[at]};
    store_.write(std::move(batch), [this, search, at](std::unique_ptr<store::WriteBatch> written, errc code) {
        const store::Outcome& outcome = written->writes.front().outcome;
        if (code == errc::ok) code = outcome.code;
        if (code != errc::ok) return search->then(search->rows, code);
        search->rows[at] = outcome.row;
        find_connected(search, at + 1);
    });
}

}  // namespace flare::server
