#include "room_lists.hpp"

#include "exit_code.hpp"
#include "output.hpp"
#include "phrases.hpp"

#include <chrono>
#include <cstdint>
#include <cstdio>

namespace flare::cli {
namespace {

std::int64_t unix_ms_of(std::chrono::system_clock::time_point time) {
    return std::chrono::duration_cast<std::chrono::milliseconds>(time.time_since_epoch()).count();
}

void print_member(const Member& member, bool json) {
    if (json) {
        boost::json::object object{{"user", member.user},
                                   {"role", std::string(name(member.role))},
                                   {"joined_ms", unix_ms_of(member.joined_at)}};
        if (member.muted_until) object["muted_until_ms"] = unix_ms_of(*member.muted_until);
        return print_json(object);
    }
    std::printf("%-9s  %s%s\n", std::string(name(member.role)).c_str(), printable(member.user).c_str(),
                member.muted_until ? ("  muted until " + date_text(*member.muted_until)).c_str() : "");
}

void print_ban(const Ban& ban, bool json) {
    const bool ends = ban.until != Conversations::kForever;
    if (json) {
        boost::json::object object{{"user", ban.user}};
        if (ends) object["until_ms"] = unix_ms_of(ban.until);
        return print_json(object);
    }
    std::printf("%s  banned %s\n", printable(ban.user).c_str(),
                ends ? ("until " + date_text(ban.until)).c_str() : "until it is ended");
}

}  // namespace

int list_members(Client& client, const ClientOptions& common, const std::string& room) {
    std::uint64_t count = 0;
    std::string after;
    for (bool more = true; more;) {
        const auto page = client.conversations().members(room, after, 200);
        if (!page) return report_failure("room members", common, page.error());
        for (const Member& member : page->members) print_member(member, common.json);
        if (!flush_output()) return kFailed;
        count += page->members.size();
        more = page->more;
        if (more) after = page->members.back().user;
    }
    if (common.json) print_json({{"result", "done"}, {"conversation", room}, {"members", count}});
    return kDone;
}

int list_invited(Client& client, const ClientOptions& common, const std::string& room) {
    std::uint64_t count = 0;
    std::string after;
    for (bool more = true; more;) {
        const auto page = client.invitations().sent(room, after, 200);
        if (!page) return report_failure("room invites", common, page.error());
        for (const InvitedUser& each : page->invited) {
            if (common.json) {
                print_json({{"user", each.user}, {"by", each.by}, {"time_ms", unix_ms_of(each.time)}});
            } else {
                std::printf("%s  invited by %s on %s\n", printable(each.user).c_str(), printable(each.by).c_str(),
                            date_text(each.time).c_str());
            }
        }
        if (!flush_output()) return kFailed;
        count += page->invited.size();
        more = page->more;
        if (more) after = page->invited.back().user;
    }
    if (common.json) print_json({{"result", "done"}, {"conversation", room}, {"invited", count}});
    if (!common.json && count == 0) std::printf("nobody is invited to %s\n", printable(room).c_str());
    return kDone;
}

int list_bans(Client& client, const ClientOptions& common, const std::string& room) {
    std::uint64_t count = 0;
    std::string after;
    for (bool more = true; more;) {
        const auto page = client.restrictions().bans(room, after, 200);
        if (!page) return report_failure("room bans", common, page.error());
        for (const Ban& ban : page->bans) print_ban(ban, common.json);
        if (!flush_output()) return kFailed;
        count += page->bans.size();
        more = page->more;
        if (more) after = page->bans.back().user;
    }
    if (common.json) print_json({{"result", "done"}, {"conversation", room}, {"bans", count}});
    if (!common.json && count == 0) std::printf("nobody is banned from %s\n", printable(room).c_str());
    return kDone;
}

}  // namespace flare::cli
