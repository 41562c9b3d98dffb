// flare history: entries of a conversation's log.
#include "asking.hpp"
#include "commands.hpp"
#include "entry_text.hpp"
#include "output.hpp"

#include <algorithm>
#include <iterator>

namespace flare::cli {
namespace {

struct HistoryOptions {
    std::string conversation;
    std::uint64_t before = 0;
    std::optional<std::uint64_t> after;
    std::uint32_t limit = 50;
};

// As many pages as it takes.
Checked<HistoryPage> read(Client& client, const HistoryOptions& options) {
    HistoryPage all;
    HistoryQuery query;
    query.before_offset = options.before;
    query.after_offset = options.after;
    for (std::uint32_t left = options.limit; left != 0;) {
        query.limit = std::min<std::uint32_t>(left, 200);
        auto page = client.conversations().history(options.conversation, query);
        if (!page) return page.error();
        const auto count = static_cast<std::uint32_t>(std::min<std::size_t>(page->entries.size(), left));
        left -= count;
        if (count != 0 && query.after_offset) query.after_offset = page->entries.back().offset;
        if (count != 0 && !query.after_offset) query.before_offset = page->entries.front().offset;
        all.head = page->head;
        all.more = page->more;
        all.entries.insert(query.after_offset ? all.entries.end() : all.entries.begin(),
                           std::make_move_iterator(page->entries.begin()),
                           std::make_move_iterator(page->entries.end()));
        if (!page->more || count == 0) break;
    }
    return all;
}

int tell(Client& client, const ClientOptions& common, const HistoryOptions& options) {
    const auto found = read(client, options);
    if (!found) return report_failure("history", common, found.error());
    for (const Entry& entry : found->entries) {
        if (common.json) {
            print_json(entry_json(entry));
        } else {
            std::printf("%s\n", entry_line(entry).c_str());
        }
        if (!flush_output()) return kFailed;
    }
    if (common.json) {
        boost::json::object result{{"result", "done"},
                                   {"conversation", options.conversation},
                                   {"entries", found->entries.size()},
                                   {"more", found->more}};
        add_extent(result, found->head);
        print_json(result);
    } else if (found->more && is_terminal(stdout)) {
        const Entry& edge = options.after ? found->entries.back() : found->entries.front();
        std::fprintf(stderr, "there are more: --%s %llu\n", options.after ? "after" : "before",
                     static_cast<unsigned long long>(edge.offset));
    }
    return kDone;
}

}  // namespace

void add_history(CLI::App& app, Run& run) {
    CLI::App* command = app.add_subcommand("history", "Print entries of the log of a conversation, the oldest first");
    auto options = std::make_shared<HistoryOptions>();
    HistoryOptions& o = *options;
    command->add_option("conversation", o.conversation, "room:NAME, or the other user's id")
        ->required()
        ->type_name("CONVERSATION");
    auto* before = command->add_option("--before", o.before, "the newest entries below this offset (default: of all)")
                       ->type_name("OFFSET");
    command->add_option("--after", o.after, "the oldest entries above this offset; 0: from the beginning")
        ->type_name("OFFSET")
        ->excludes(before);
    command->add_option("--limit", o.limit, "how many entries, at most 1000 (default 50)")
        ->check(CLI::Range(1, 1000))
        ->type_name("NUMBER");
    auto common = add_client_options(*command, Urls::named);
    command->callback([common, options, &run] {
        run = [common, options] {
            const auto asks = [&](Client& client) { return tell(client, *common, *options); };
            return conclude("history", *common, connect_and_ask("history", *common, asks));
        };
    });
}

}  // namespace flare::cli
