#include "room_readers.hpp"

#include "asking.hpp"
#include "exit_code.hpp"
#include "output.hpp"

#include <cstdio>

namespace flare::cli {

int tell_readers(Client& client, const ClientOptions& common, const std::string& room, std::uint64_t offset) {
    ReaderPage first;
    std::string after;
    for (bool more = true; more;) {
        const auto page = client.marks().readers(room, {0, offset}, after, 200);
        if (!page) return report_failure("room readers", common, page.error());
        if (after.empty()) first = *page;
        for (const UserMark& each : page->readers) {
            if (common.json) {
                print_json({{"user", each.user}, {"read", each.read}, {"delivered", each.delivered}});
            } else {
                std::printf("%s\n", printable(each.user).c_str());
            }
        }
        if (!flush_output()) return kFailed;
        more = page->more;
        if (more) after = page->readers.back().user;
    }
    if (common.json) {
        print_json({{"result", "done"},
                    {"conversation", room},
                    {"offset", offset},
                    {"read", first.read},
                    {"delivered", first.delivered},
                    {"members", first.members}});
    } else {
        std::printf("%s\n", coloured(Tone::dim, "read by " + std::to_string(first.read) + " of " +
                                                    std::to_string(first.members) + ", delivered to " +
                                                    std::to_string(first.delivered))
                                .c_str());
    }
    return kDone;
}

}  // namespace flare::cli
