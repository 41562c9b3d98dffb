// Bodies of requests and responses, and of feeds: what a decoder accepts is the same when it has been written, and when
// it has been JSON. The first byte says which body it is.
#include "wire/feeds.hpp"
#include "wire/json.hpp"
#include "wire/signals.hpp"

#include <cstdint>
#include <cstdlib>
#include <string>

namespace {

using namespace flare;
using namespace flare::wire;

void require(bool holds) {
    if (!holds) std::abort();
}

// The bytes that our code makes of it; nothing: it is refused.
template <typename Body>
std::optional<std::string> written_again(std::string_view bytes) {
    const auto body = im::decode<Body>(bytes);
    if (!body) return std::nullopt;
    std::string out = im::encode(*body);
    require(out.size() == im::size_of(*body));
    const auto again = im::decode<Body>(out);
    require(again.has_value());
    require(im::encode(*again) == out);
    return out;
}

std::optional<std::string> written_again(const Schema& schema, std::string_view bytes) {
    if (schema.name == "ConversationCreate") return written_again<im::ConversationCreate>(bytes);
    if (schema.name == "ConversationRef") return written_again<im::ConversationRef>(bytes);
    if (schema.name == "MemberChange") return written_again<im::MemberChange>(bytes);
    if (schema.name == "ConversationUpdate") return written_again<im::ConversationUpdate>(bytes);
    if (schema.name == "MemberUntil") return written_again<im::MemberUntil>(bytes);
    if (schema.name == "MemberQuery") return written_again<im::MemberQuery>(bytes);
    if (schema.name == "HistoryQuery") return written_again<im::HistoryQuery>(bytes);
    if (schema.name == "MessageEdit") return written_again<im::MessageEdit>(bytes);
    if (schema.name == "MessageDelete") return written_again<im::MessageDelete>(bytes);
    if (schema.name == "MessageReaction") return written_again<im::MessageReaction>(bytes);
    if (schema.name == "Conversation") return written_again<im::Conversation>(bytes);
    if (schema.name == "Written") return written_again<im::Written>(bytes);
    if (schema.name == "MemberPage") return written_again<im::MemberPage>(bytes);
    if (schema.name == "HistoryPage") return written_again<im::HistoryPage>(bytes);
    if (schema.name == "Subscribe") return written_again<im::Subscribe>(bytes);
    if (schema.name == "Subscribed") return written_again<im::Subscribed>(bytes);
    if (schema.name == "Unsubscribe") return written_again<im::Unsubscribe>(bytes);
    if (schema.name == "Unsubscribed") return written_again<im::Unsubscribed>(bytes);
    if (schema.name == "Sync") return written_again<im::Sync>(bytes);
    if (schema.name == "SyncPage") return written_again<im::SyncPage>(bytes);
    if (schema.name == "MarkRead") return written_again<im::MarkRead>(bytes);
    if (schema.name == "ReadMark") return written_again<im::ReadMark>(bytes);
    if (schema.name == "ReaderQuery") return written_again<im::ReaderQuery>(bytes);
    if (schema.name == "ReaderPage") return written_again<im::ReaderPage>(bytes);
    if (schema.name == "PushDevice") return written_again<im::PushDevice>(bytes);
    if (schema.name == "PushUnregister") return written_again<im::PushUnregister>(bytes);
    if (schema.name == "BlockQuery") return written_again<im::BlockQuery>(bytes);
    if (schema.name == "Done") return written_again<im::Done>(bytes);
    if (schema.name == "ConversationClear") return written_again<im::ConversationClear>(bytes);
    if (schema.name == "ConversationSet") return written_again<im::ConversationSet>(bytes);
    if (schema.name == "Settings") return written_again<im::Settings>(bytes);
    if (schema.name == "InvitePage") return written_again<im::InvitePage>(bytes);
    if (schema.name == "BanPage") return written_again<im::BanPage>(bytes);
    if (schema.name == "BlockPage") return written_again<im::BlockPage>(bytes);
    if (schema.name == "Typing") return written_again<im::Typing>(bytes);
    if (schema.name == "PresenceSet") return written_again<im::PresenceSet>(bytes);
    if (schema.name == "PresenceUsers") return written_again<im::PresenceUsers>(bytes);
    if (schema.name == "PresenceSnapshot") return written_again<im::PresenceSnapshot>(bytes);
    if (schema.name == "Occupancy") return written_again<im::Occupancy>(bytes);
    if (schema.name == "Notice") return written_again<im::Notice>(bytes);
    if (schema.name == "Feed") return written_again<im::Feed>(bytes);
    std::abort();
}

constexpr unsigned kVerbs = static_cast<unsigned>(kLastVerb) + 1;

// Two for each verb, but 0 and 1, which have none: a feed and a notice.
const Schema* schema_of(unsigned number) {
    const unsigned body = number % (2 * kVerbs);
    if (body == 0) return &im::feed_schema();
    if (body == 1) return &im::notice_schema();
    const auto verb = static_cast<Verb>(body / 2);
    return body % 2 == 0 ? im::request_schema(verb) : im::response_schema(verb);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
    const Schema* const schema = schema_of(data[0]);
    if (schema == nullptr) return 0;
    const auto written = written_again(*schema, bytes);
    const auto json = content_to_json(*schema, bytes);
    if (!written) return 0;
    require(json.has_value());  // JSON is made of whatever the decoders accept
    if (json->size() > kMaxBatchBytes) return 0;
    // Its members stood in the order of the bytes; from here on they stand in that of the schema.
    const auto again = json_to_content(*schema, *json);
    require(again.has_value());
    require(written_again(*schema, *again) == written);
    const auto sorted = content_to_json(*schema, *again);
    require(sorted.has_value() && sorted->size() == json->size());
    require(json_to_content(*schema, *sorted) == again);
    return 0;
}
