// flare room: makes rooms, and says who is in them.
#include "asking.hpp"
#include "commands.hpp"
#include "entry_text.hpp"
#include "output.hpp"
#include "phrases.hpp"

#include <array>
#include <utility>

namespace flare::cli {
namespace {

constexpr std::array kRoles{MemberRole::reader, MemberRole::member, MemberRole::moderator, MemberRole::admin,
                            MemberRole::owner};

struct RoomArguments {
    std::string name;
    std::vector<std::string> users;
    RoomOptions options;
    bool open = false;
    std::string history = "since_join";
    std::string role = "member";
};
using Ask = std::function<int(Client&, const ClientOptions&, const RoomArguments&)>;

MemberRole role_named(const std::string& text) {
    for (const MemberRole role : kRoles) {
        if (name(role) == text) return role;
    }
    return MemberRole::member;
}

std::string list_of(const std::vector<std::string>& users) {
    std::string list;
    for (const std::string& user : users) list.append(list.empty() ? "" : ", ").append(printable(user));
    return list;
}

// What was done, as a line, and as the result for programs.
int tell_change(const ClientOptions& common, const std::string& room, const StoredAt& stored, const std::string& line) {
    if (common.json) {
        boost::json::object result{{"result", "done"}, {"conversation", room}};
        add_position(result, stored);
        print_json(result);
    } else {
        std::printf("%s (offset %llu)\n", line.c_str(), static_cast<unsigned long long>(stored.position.offset));
    }
    return kDone;
}

boost::json::object json_of(const Conversation& conversation) {
    const RoomConfig& config = conversation.config;
    boost::json::object object{{"result", "done"},
                               {"conversation", conversation.name},
                               {"title", config.title},
                               {"role", std::string(name(conversation.role))},
                               {"members", conversation.members},
                               {"join", std::string(name(config.join))},
                               {"history", std::string(name(config.visibility))},
                               {"max_payload_bytes", config.max_payload_bytes},
                               {"slow_mode_ms", config.slow_mode.count()},
                               {"frozen", config.frozen}};
    add_extent(object, conversation.head);
    if (conversation.written) add_position(object, *conversation.written);
    return object;
}

std::string count_of_members(std::uint32_t count) {
    return std::to_string(count) + (count == 1 ? " member" : " members");
}

int create(Client& client, const ClientOptions& common, const RoomArguments& arguments) {
    const auto made = client.conversations().create(room_of(arguments.name), arguments.options);
    if (!made) return report_failure("room create", common, made.error());
    if (common.json) return print_json(json_of(*made)), kDone;
    std::printf("%s %s: %s\n", coloured(Tone::good, "created").c_str(), printable(made->name).c_str(),
                count_of_members(made->members).c_str());
    return kDone;
}

int join(Client& client, const ClientOptions& common, const RoomArguments& arguments) {
    const auto joined = client.conversations().join(room_of(arguments.name));
    if (!joined) return report_failure("room join", common, joined.error());
    if (common.json) return print_json(json_of(*joined)), kDone;
    std::printf("%s %s as %s: %s\n", coloured(Tone::good, "joined").c_str(), printable(joined->name).c_str(),
                std::string(name(joined->role)).c_str(), count_of_members(joined->members).c_str());
    return kDone;
}

int leave(Client& client, const ClientOptions& common, const RoomArguments& arguments) {
    const std::string room = room_of(arguments.name);
    const auto left = client.conversations().leave(room);
    if (!left) return report_failure("room leave", common, left.error());
    return tell_change(common, room, *left, coloured(Tone::good, "left") + " " + printable(room));
}

int add(Client& client, const ClientOptions& common, const RoomArguments& arguments) {
    const std::string room = room_of(arguments.name);
    const auto added = client.conversations().add_members(room, arguments.users, role_named(arguments.role));
    if (!added) return report_failure("room add", common, added.error());
    return tell_change(common, room, *added,
                       coloured(Tone::good, "added") + " " + list_of(arguments.users) + " to " + printable(room));
}

// One after the other: those before the first that fails are removed.
int remove(Client& client, const ClientOptions& common, const RoomArguments& arguments) {
    const std::string room = room_of(arguments.name);
    StoredAt last;
    for (const std::string& user : arguments.users) {
        const auto removed = client.conversations().remove_member(room, user);
        if (!removed) {
            Failure failure = removed.error();
            if (arguments.users.size() > 1) failure.text = user + ": " + failure.text;
            return report_failure("room remove", common, failure);
        }
        last = *removed;
    }
    return tell_change(common, room, last,
                       coloured(Tone::good, "removed") + " " + list_of(arguments.users) + " from " + printable(room));
}

int show(Client& client, const ClientOptions& common, const RoomArguments& arguments) {
    const auto found = client.conversations().get(room_of(arguments.name));
    if (!found) return report_failure("room show", common, found.error());
    if (common.json) return print_json(json_of(*found)), kDone;
    const RoomConfig& config = found->config;
    std::printf("%s\n", coloured(Tone::strong, printable(found->name)).c_str());
    if (!config.title.empty()) std::printf("  title    %s\n", printable(config.title).c_str());
    std::printf("  members  %u; you are %s\n", found->members, std::string(name(found->role)).c_str());
    std::printf("  join     %s\n", config.join == JoinPolicy::open ? "open to everybody" : "by invitation");
    std::printf("  history  %s\n", config.visibility == HistoryVisibility::all ? "members read all of it"
                                                                               : "members read it since they joined");
    std::printf("  entries  %llu to %llu\n", static_cast<unsigned long long>(found->head.first),
                static_cast<unsigned long long>(found->head.last));
    std::printf(
        "  limits   messages of %u bytes%s%s\n", config.max_payload_bytes,
        config.slow_mode.count() == 0
            ? ""
            : (", one every " + time_text(std::chrono::duration_cast<std::chrono::nanoseconds>(config.slow_mode)))
                  .c_str(),
        config.frozen ? "; frozen" : "");
    return kDone;
}

void print_member(const Member& member, bool json) {
    const auto ms = [](std::chrono::system_clock::time_point time) {
        return std::chrono::duration_cast<std::chrono::milliseconds>(time.time_since_epoch()).count();
    };
    if (json) {
        boost::json::object object{
            {"user", member.user}, {"role", std::string(name(member.role))}, {"joined_ms", ms(member.joined_at)}};
        if (member.muted_until) object["muted_until_ms"] = ms(*member.muted_until);
        return print_json(object);
    }
    std::printf("%-9s  %s%s\n", std::string(name(member.role)).c_str(), printable(member.user).c_str(),
                member.muted_until ? ("  muted until " + date_text(*member.muted_until)).c_str() : "");
}

int members(Client& client, const ClientOptions& common, const RoomArguments& arguments) {
    const std::string room = room_of(arguments.name);
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

// A command of `room`; its options are those of a client, and what the caller adds.
CLI::App& add_room_command(CLI::App& room, Run& run, const std::string& name, const std::string& says,
                           const std::shared_ptr<RoomArguments>& arguments, Ask ask) {
    CLI::App* command = room.add_subcommand(name, says);
    command->add_option("name", arguments->name, "name of the room, with or without 'room:'")
        ->required()
        ->type_name("NAME");
    auto common = add_client_options(*command, Urls::named);
    command->callback([common, arguments, ask = std::move(ask), name, &run] {
        arguments->options.join = arguments->open ? JoinPolicy::open : JoinPolicy::invite;
        arguments->options.visibility =
            arguments->history == "all" ? HistoryVisibility::all : HistoryVisibility::since_join;
        run = [common, arguments, ask, command = "room " + name] {
            const auto asks = [&](Client& client) { return ask(client, *common, *arguments); };
            return conclude(command, *common, connect_and_ask(command, *common, asks));
        };
    });
    return *command;
}

}  // namespace

void add_room(CLI::App& app, Run& run) {
    CLI::App* room = app.add_subcommand("room", "Create rooms, join and leave them, and manage their members");
    room->require_subcommand(1);
    room->footer("Rooms need a server with a store.");
    const auto arguments = std::make_shared<RoomArguments>();
    RoomArguments& a = *arguments;
    const auto add_one = [&](const char* name, const char* says, Ask ask) -> CLI::App& {
        return add_room_command(*room, run, name, says, arguments, std::move(ask));
    };

    CLI::App& creating = add_one("create", "Create a room and become its owner", create);
    creating.add_option("--title", a.options.title, "title for people, at most 256 bytes");
    creating.add_flag("--open", a.open, "everybody may join (default: only users whom a member adds)");
    creating.add_option("--history", a.history, "what members read: since_join (default) or all")
        ->check(CLI::IsMember({"since_join", "all"}));
    creating.add_option("--member", a.options.members, "another member; repeatable")->type_name("USER");

    add_one("join", "Join an open room", join);
    add_one("leave", "Leave a room", leave);

    CLI::App& adding = add_one("add", "Add users to a room", add);
    adding.add_option("users", a.users, "user ids, at most 100")->required()->type_name("USER");
    adding.add_option("--role", a.role, "role of those who are added (default: member)")
        ->check(CLI::IsMember({"reader", "member", "moderator", "admin", "owner"}));

    CLI::App& removing = add_one("remove", "Remove users from a room, one after the other", remove);
    removing.add_option("users", a.users, "user ids")->required()->type_name("USER");

    add_one("members", "List the members of a room", members);
    add_one("show", "Show the configuration of a room and the extent of its log", show);
}

}  // namespace flare::cli
