#include "client/loop/history.hpp"

#include <boost/asio/post.hpp>

#include <memory>
#include <utility>

namespace flare::client {
namespace {

bool without_session(errc code) { return code == errc::not_connected || code == errc::connection_lost; }

// `missing`: why the cache does not have it.
void ask_server(ClientLoop& loop, const Call& call, const PagedDone& done, const Checked<HistoryPage>& missing) {
    loop.ask(call, [done, missing](Answer answer) {
        if (without_session(answer.code)) return done({{}, missing});
        done({std::move(answer)});
    });
}

}  // namespace

void ask_history(ClientLoop& loop, const Call& call, const HistoryQuery& query, PagedDone done) {
    const std::shared_ptr<Cache> cache = loop.config().cache;
    if (!cache) return loop.ask(call, [done = std::move(done)](Answer answer) { done({std::move(answer)}); });
    if (loop.snapshot().status == ClientStatus::connected) {
        return loop.ask(call, [cache, call, query, done = std::move(done)](Answer answer) {
            if (!without_session(answer.code)) return done({std::move(answer)});
            cache->history(call.conversation, query, [done](Checked<HistoryPage> page) {
                done({{}, std::move(page)});
            });
        });
    }
    auto found = [weak = loop.weak_from_this(), call, done = std::move(done)](Checked<HistoryPage> page) {
        const auto self = weak.lock();
        if (!self || page || page.error().code != errc::not_connected) return done({{}, std::move(page)});
        boost::asio::post(self->context(),
                          [self, call, done, page = std::move(page)] { ask_server(*self, call, done, page); });
    };
    cache->history(call.conversation, query, std::move(found));
}

}  // namespace flare::client
