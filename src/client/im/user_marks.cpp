#include "client/im/asking.hpp"
#include "client/im/bodies.hpp"

#include <flare/marks.hpp>

#include <utility>

namespace flare {
namespace {

auto unmarking(std::string conversation, const Position& from) {
    return [conversation = std::move(conversation), from](client::ClientLoop& on, auto done) {
        on.with_sync([&](client::Sync& sync) { sync.marks().mark_unread(conversation, from, std::move(done)); });
    };
}

}  // namespace

Marks::Marks(std::shared_ptr<client::ClientLoop> loop) : loop_(std::move(loop)) {}
Marks::~Marks() = default;

Checked<ReaderPage> Marks::readers(std::string conversation, Position message, std::string after, std::uint32_t limit) {
    return client::ask<ReaderPage>(loop_, client::readers_call(conversation, message, after, limit),
                                   client::read_readers);
}
Checked<ReadMark> Marks::mark_unread(std::string conversation, Position from) {
    const auto checked = client::unmark_call(conversation, from);
    return client::run<ReadMark>(loop_, checked, unmarking(std::move(conversation), from));
}

Task<Checked<ReaderPage>> Marks::async_readers(std::string conversation, Position message, std::string after,
                                               std::uint32_t limit) {
    return client::async_ask<ReaderPage>(loop_, client::readers_call(conversation, message, after, limit),
                                         client::read_readers);
}
Task<Checked<ReadMark>> Marks::async_mark_unread(std::string conversation, Position from) {
    const auto checked = client::unmark_call(conversation, from);
    return client::async_run<ReadMark>(loop_, checked, unmarking(std::move(conversation), from));
}

}  // namespace flare
