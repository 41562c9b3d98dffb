#include "wire/feeds.hpp"

#include "wire/feed_tables.hpp"

namespace flare::wire::im {

const Schema& feed_schema() noexcept { return kSchemaOf<Feed>; }

Body feed_body(const Feed& feed) {
    const std::size_t size = content_size(feed);
    Body body;
    body.kind = FrameKind::feed;
    body.content_offset = static_cast<std::uint32_t>(body_size(FrameKind::feed, size) - size);
    body.cost = size;
    body.bytes = Bytes::make(body.content_offset + size,
                             [&](char* out) { put_content(put_body_tag(out, FrameKind::feed, size), feed); });
    return body;
}

}  // namespace flare::wire::im
