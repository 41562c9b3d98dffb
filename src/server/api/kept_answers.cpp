#include "server/api/kept_answers.hpp"

#include "base/crypto.hpp"
#include "base/unix_time.hpp"
#include "store/backend_reader.hpp"

#include <utility>

namespace flare::server::api {
namespace {

std::string hash_of(const std::string& key) { return std::string(base::view(base::sha256(key))); }

}  // namespace

void KeptAnswers::find(const std::string& key, std::string asked, Then then) {
    const auto shared = std::make_shared<Then>(std::move(then));
    const errc code = store_.read([hash = hash_of(key), asked = std::move(asked), shared](store::Reader& reader) {
        const auto kept = reader.backend().kept_answer(hash, base::unix_ms_now());
        std::optional<Found> found;
        if (kept && *kept)
            found = Found{(**kept).asked == asked, {(**kept).status, (**kept).content_type, (**kept).body, {}}};
        (*shared)(std::move(found));
    });
    if (code != errc::ok) (*shared)(std::nullopt);
}

void KeptAnswers::keep(const std::string& key, std::string_view asked, const transport::http::Response& response) {
    if (response.body.size() > kMostBytes) return;
    auto batch = std::make_unique<store::WriteBatch>();
    batch->writes.emplace_back().what =
        store::KeptAnswer{hash_of(key), std::string(asked), response.status, response.content_type, response.body};
    (void)store_.submit(batch, *this);
}

}  // namespace flare::server::api
