// flare room: makes rooms, and says who is in them, who is invited and who is not let in.
#include "asking.hpp"
#include "commands.hpp"
#include "entry_text.hpp"
#include "named_calls.hpp"
#include "output.hpp"
#include "phrases.hpp"
#include "room_arguments.hpp"
#include "room_lists.hpp"
#include "room_over_api.hpp"
#include "room_readers.hpp"

#include <array>
#include <utility>

namespace flare::cli {
namespace {

constexpr std::array kRoles{MemberRole::reader, MemberRole::member, MemberRole::moderator, MemberRole::admin,
                            MemberRole::owner};

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
    if (!conversation.invited_by.empty()) object["invited_by"] = conversation.invited_by;
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

int invite(Client& client, const ClientOptions& common, const RoomArguments& arguments) {
    const std::string room = room_of(arguments.name);
    const auto invited = client.invitations().invite(room, arguments.users);
    if (!invited) return report_failure("room invite", common, invited.error());
    return tell_change(common, room, *invited,
                       coloured(Tone::good, "invited") + " " + list_of(arguments.users) + " to " + printable(room));
}

int invites(Client& client, const ClientOptions& common, const RoomArguments& arguments) {
    return list_invited(client, common, room_of(arguments.name));
}

// What is done to members, one after the other: it is done to those before the first for whom it fails.
struct ToMembers {
    std::string command;  // "remove"
    std::string done;     // "removed"
    std::string where;    // "from"
    std::function<Checked<StoredAt>(Conversations&, const std::string& room, const std::string& user,
                                    const RoomArguments&)>
        one;

    int operator()(Client& client, const ClientOptions& common, const RoomArguments& arguments) const {
        const std::string room = room_of(arguments.name);
        StoredAt last;
        for (const std::string& user : arguments.users) {
            const auto changed = one(client.conversations(), room, user, arguments);
            if (!changed) {
                Failure failure = changed.error();
                if (arguments.users.size() > 1) failure.text = user + ": " + failure.text;
                return report_failure("room " + command, common, failure);
            }
            last = *changed;
        }
        return tell_change(
            common, room, last,
            coloured(Tone::good, done) + " " + list_of(arguments.users) + " " + where + " " + printable(room));
    }
};

std::chrono::system_clock::time_point end_of(const RoomArguments& arguments) {
    return arguments.lasts.count() == 0 ? Conversations::kForever : std::chrono::system_clock::now() + arguments.lasts;
}

int set(Client& client, const ClientOptions& common, const RoomArguments& arguments) {
    const std::string room = room_of(arguments.name);
    const auto updated = client.conversations().update(room, arguments.changes);
    if (!updated) return report_failure("room set", common, updated.error());
    return tell_change(common, room, *updated, coloured(Tone::good, "changed") + " " + printable(room));
}

int erase(Client& client, const ClientOptions& common, const RoomArguments& arguments) {
    const std::string room = room_of(arguments.name);
    const auto deleted = client.conversations().delete_room(room);
    if (!deleted) return report_failure("room delete", common, deleted.error());
    if (common.json) return print_json({{"result", "done"}, {"conversation", room}}), kDone;
    std::printf("%s %s\n", coloured(Tone::good, "deleted").c_str(), printable(room).c_str());
    return kDone;
}

int show(Client& client, const ClientOptions& common, const RoomArguments& arguments) {
    const auto found = client.conversations().get(room_of(arguments.name));
    if (!found) return report_failure("room show", common, found.error());
    if (common.json) return print_json(json_of(*found)), kDone;
    const RoomConfig& config = found->config;
    std::printf("%s\n", coloured(Tone::strong, printable(found->name)).c_str());
    if (!config.title.empty()) std::printf("  title    %s\n", printable(config.title).c_str());
    const std::string role =
        found->invited_by.empty() ? std::string(name(found->role)) : "invited by " + printable(found->invited_by);
    std::printf("  members  %u; you are %s\n", found->members, role.c_str());
    std::printf("  join     %s\n", config.join == JoinPolicy::open ? "open to everybody" : "by invitation");
    std::printf("  history  %s\n", config.visibility == HistoryVisibility::all ? "members read all of it"
                                                                               : "members read it since they joined");
    if (found->invited_by.empty())
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

int members(Client& client, const ClientOptions& common, const RoomArguments& arguments) {
    return list_members(client, common, room_of(arguments.name));
}

int bans(Client& client, const ClientOptions& common, const RoomArguments& arguments) {
    return list_bans(client, common, room_of(arguments.name));
}

int occupancy(Client& client, const ClientOptions& common, const RoomArguments& arguments) {
    const std::string room = room_of(arguments.name);
    const auto count = client.signals().occupancy(room);
    if (!count) return report_failure("room occupancy", common, count.error());
    if (common.json) {
        print_json(
            {{"result", "done"}, {"conversation", room}, {"online", count->online}, {"members", count->members}});
    } else {
        std::printf("%u of %u members are connected\n", count->online, count->members);
    }
    return kDone;
}

const std::map<std::string, std::int64_t> kTimes{{"s", 1}, {"m", 60}, {"h", 3600}, {"d", 24 * 3600}};

void add_settings(CLI::App& setting, const std::shared_ptr<RoomArguments>& arguments) {
    RoomChanges& changes = arguments->changes;
    setting.add_option_function<std::string>(
        "--title", [&changes](const std::string& text) { changes.with_title(text); },
        "title for people, at most 256 bytes");
    setting
        .add_option_function<std::string>(
            "--join",
            [&changes](const std::string& who) {
                changes.with_join(who == "open" ? JoinPolicy::open : JoinPolicy::invite);
            },
            "who may join: open (everybody) or invite (only who is added)")
        ->check(CLI::IsMember({"open", "invite"}));
    setting
        .add_option_function<std::string>(
            "--history",
            [&changes](const std::string& which) {
                changes.with_visibility(which == "all" ? HistoryVisibility::all : HistoryVisibility::since_join);
            },
            "what those read who join from now on: since_join or all")
        ->check(CLI::IsMember({"since_join", "all"}));
    setting
        .add_option_function<std::string>(
            "--frozen", [&changes](const std::string& frozen) { changes.with_frozen(frozen == "on"); },
            "on: only admins and owners write; off")
        ->check(CLI::IsMember({"on", "off"}));
    setting.add_option_function<std::uint32_t>(
        "--max-payload", [&changes](std::uint32_t bytes) { changes.with_max_payload(bytes); },
        "bytes of a message, 1 to 1048576");
    setting
        .add_option_function<std::int64_t>(
            "--slow-mode", [&changes](std::int64_t s) { changes.with_slow_mode(std::chrono::seconds(s)); },
            "time between two messages of a member, as 30s or 5m, at most 6h; 0s: off")
        ->transform(CLI::AsNumberWithUnit(kTimes));
}

// A command of `room`; its options are those of a client, and what the caller adds.
CLI::App& add_room_command(CLI::App& room, Run& run, const std::string& name, const std::string& says,
                           const std::shared_ptr<RoomArguments>& arguments, Ask ask) {
    CLI::App* command = room.add_subcommand(name, says);
    command->add_option("name", arguments->name, "name of the room, with or without 'room:'")
        ->required()
        ->type_name("NAME");
    auto common = add_client_options(*command, Urls::named);
    add_way_to_api(*command, *arguments);
    command->callback([common, arguments, ask = std::move(ask), name, &run] {
        arguments->options.join = arguments->open ? JoinPolicy::open : JoinPolicy::invite;
        arguments->options.visibility =
            arguments->history == "all" ? HistoryVisibility::all : HistoryVisibility::since_join;
        run = [common, arguments, ask, name, command = "room " + name] {
            if (goes_over_api(*arguments)) return room_over_api(name, *arguments, *common);
            if (!arguments->by.empty()) {
                print_problem(command, "--by is for the server API, with --api or --api-key-file: a session is --user");
                return static_cast<int>(kUsage);
            }
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
    room->footer(
        "Rooms need a server with a store. With --api or --api-key-file a command goes over the server API: the server "
        "does it, or --by USER.");
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

    add_one("join", "Join an open room, or one to which you are invited", join);
    add_one("leave", "Leave a room, or decline an invitation to it", leave);

    CLI::App& adding = add_one("add", "Add users to a room", add);
    adding.add_option("users", a.users, "user ids, at most 100")->required()->type_name("USER");
    adding.add_option("--role", a.role, "role of those who are added (default: member)")
        ->check(CLI::IsMember({"reader", "member", "moderator", "admin", "owner"}));

    CLI::App& inviting = add_one("invite", "Invite users to a room, who join if they want to", invite);
    inviting.add_option("users", a.users, "user ids, at most 100")->required()->type_name("USER");

    const auto add_to_members = [&](const char* says, ToMembers what) -> CLI::App& {
        const std::string name = what.command;
        CLI::App& command = add_one(name.c_str(), says, std::move(what));
        command.add_option("users", a.users, "user ids")->required()->type_name("USER");
        return command;
    };
    const auto lasts = [&](CLI::App& command) {
        command
            .add_option_function<std::int64_t>(
                "--for", [&a](std::int64_t s) { a.lasts = std::chrono::seconds(s); },
                "how long, as 10m, 2h or 7d (default: until it is ended)")
            ->transform(CLI::AsNumberWithUnit(kTimes));
    };
    add_to_members("Remove users from a room, or take their invitations back",
                   {"remove", "removed", "from",
                    [](auto& rooms, auto& in, auto& user, auto&) { return rooms.remove_member(in, user); }});
    CLI::App& giving =
        add_to_members("Give members of a room another role",
                       {"role", "gave the role to", "in", [](auto& rooms, auto& in, auto& user, auto& asked) {
                            return rooms.set_role(in, user, role_named(asked.role));
                        }});
    giving.add_option("--role", a.role, "the role from now on")
        ->required()
        ->check(CLI::IsMember({"reader", "member", "moderator", "admin", "owner"}));
    lasts(add_to_members("Let members of a room read, and not write",
                         {"mute", "muted", "in", [](auto& rooms, auto& in, auto& user, auto& asked) {
                              return rooms.mute(in, user, end_of(asked));
                          }}));
    add_to_members(
        "Let members of a room write again",
        {"unmute", "unmuted", "in", [](auto& rooms, auto& in, auto& user, auto&) { return rooms.unmute(in, user); }});
    lasts(add_to_members("Remove users from a room, and let nobody add them",
                         {"ban", "banned", "from", [](auto& rooms, auto& in, auto& user, auto& asked) {
                              return rooms.ban(in, user, end_of(asked));
                          }}));
    add_to_members(
        "Let banned users come back",
        {"unban", "unbanned", "from", [](auto& rooms, auto& in, auto& user, auto&) { return rooms.unban(in, user); }});
    add_settings(add_one("set", "Change what a room is; what is not said stays as it is", set), arguments);
    add_one("delete", "End a room, with its log", erase);

    add_one("members", "List the members of a room", members);
    add_one("invites", "List who is invited to a room and has not answered, for its moderators", invites);
    add_one("bans", "List who is banned from a room, for its admins", bans);
    CLI::App& reading =
        add_one("readers", "Show who has read a message", [](auto& client, const auto& common, const auto& asked) {
            return tell_readers(client, common, room_of(asked.name), asked.offset);
        });
    reading.add_option("offset", a.offset, "offset of the message, as `flare history` shows it")
        ->required()
        ->type_name("OFFSET");
    add_one("occupancy", "Count the members of a room who are connected", occupancy);
    add_one("show", "Show the configuration of a room and the extent of its log", show);
    add_named_calls(*room, kCallsOfRooms, run);
}

}  // namespace flare::cli
