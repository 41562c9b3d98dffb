// What an operator does with a store's file: the public calls.
#include "store/sqlite/check.hpp"
#include "store/sqlite/copy.hpp"

#include <flare/store.hpp>

#include <utility>

namespace flare {
namespace {

constexpr std::size_t kMostFaults = 100;

StoreReport report_of(store::CheckReport&& from) {
    StoreReport report;
    report.users = from.users;
    report.conversations = from.conversations;
    report.members = from.members;
    report.entries = from.entries;
    report.fault_count = from.fault_count;
    for (store::Finding& each : from.faults) report.faults.push_back({std::move(each.where), std::move(each.what)});
    return report;
}

store::sqlite::Copying copying_of(const StoreCopy& options) {
    store::sqlite::Copying copying;
    copying.replace = options.replace;
    copying.check = options.check;
    copying.goes_on = options.progress;
    return copying;
}

}  // namespace

Checked<StoreReport> check_store(const std::string& file) {
    auto found = store::sqlite::check_file(file, {}, kMostFaults);
    if (!found) return found.error();
    return report_of(std::move(*found));
}

Checked<StoreReport> back_up_store(const std::string& file, const std::string& to, const StoreCopy& options) {
    store::CheckReport report;
    if (auto done = store::sqlite::back_up(file, to, copying_of(options), report); !done) return done.error();
    return report_of(std::move(report));
}

Checked<StoreReport> restore_store(const std::string& backup, const std::string& file, const StoreCopy& options) {
    store::CheckReport report;
    if (auto done = store::sqlite::restore(backup, file, copying_of(options), report); !done) return done.error();
    return report_of(std::move(report));
}

}  // namespace flare
