#include "server/conversations/user_rows.hpp"

#include "server/worker/shard.hpp"

#include <algorithm>
#include <optional>
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
        [name = search->names[at]](Shard& shard) {
            return !shard.table().of_user(name).empty() || shard.conversations()->rows.is_coming(name);
        },
        [this, search, at](Shard&, bool is_here) { is_here ? add(search, at) : look_again(search, at); });
}

void UserRows::add(const SearchPtr& search, std::size_t at) {
    write(search->names[at], [this, search, at](im::Row row, errc code, bool) {
        if (code != errc::ok) return search->then(search->rows, code);
        search->rows[at] = row;
        find_connected(search, at + 1);
    });
}

// Whose row was on its way at the first look, and has come since, was here, and may have gone.
void UserRows::look_again(const SearchPtr& search, std::size_t at) {
    store_.read(
        [search, at](store::Reader& reader) {
            const auto row = reader.user(search->names[at]);
            if (!row) return static_cast<errc>(row.error().value());
            search->rows[at] = row->value_or(0);
            return errc::ok;
        },
        [this, search, at](errc code) {
            if (code != errc::ok || search->rows[at] == 0) return search->then(search->rows, code);
            find_connected(search, at + 1);
        });
}

// ---- who connects ----

bool UserRows::is_coming(std::string_view name) const {
    return std::ranges::any_of(coming_, [name](const auto& each) { return *each == name; });
}

void UserRows::make(std::shared_ptr<const std::string> name, Made then) {
    coming_.insert(name);
    const auto row = std::make_shared<std::optional<store::Row>>();
    const auto made = [this, name, then = std::move(then)](im::Row found, errc code, bool is_new) {
        coming_.erase(name);
        then(found, code, is_new);
    };
    store_.read(
        [row, name](store::Reader& reader) {
            const auto found = reader.user(*name);
            if (!found) return static_cast<errc>(found.error().value());
            *row = *found;
            return errc::ok;
        },
        [this, name, row, made](errc code) {
            if (code != errc::ok || *row) return made(row->value_or(0), code, false);
            write(*name, made);
        });
}

void UserRows::write(const std::string& name, Made then) {
    auto batch = std::make_unique<store::WriteBatch>();
    batch->writes.emplace_back().what = store::NewUser{name};
    store_.write(std::move(batch), [then = std::move(then)](std::unique_ptr<store::WriteBatch> written, errc code) {
        const store::Outcome& outcome = written->writes.front().outcome;
        const bool looked = code == errc::ok;
        then(outcome.row, looked ? outcome.code : code, looked);
    });
}

}  // namespace flare::server
