// flare api-key: the keys of a server API, in a file that the server reads. A key is printed once, when it is made.
#include "auth/api_keys.hpp"
#include "base/file.hpp"
#include "base/lock_file.hpp"
#include "base/random.hpp"
#include "base/rfc3339.hpp"
#include "command.hpp"
#include "commands.hpp"
#include "output.hpp"

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace flare::cli {
namespace {

constexpr std::string_view kCommand = "api-key";
constexpr const char* kWhat = "--file";
using KeyClock = std::chrono::system_clock;

struct KeyOptions {
    std::string file;
    std::string scopes;
    std::string until;
    std::string note;
    std::string id;
    std::uint64_t overlap_s = 24 * 3600;
    bool json = false;
};

int key_problem(const Failure& failure) {
    print_problem(kCommand, failure.text);
    return failure.code == errc::invalid_config ? kUsage : kFailed;
}

// The file, its lines as they are, for as long as it is being changed: nobody else changes it meanwhile.
class KeyFile {
public:
    // `missing`: it may be, and is made.
    static Checked<KeyFile> open(const std::string& path, bool missing) {
        KeyFile file;
        file.path_ = path;
        auto lock = base::take_lock(path + ".lock", kWhat);
        if (!lock) return lock.error();
        file.lock_ = std::move(*lock);
        std::error_code ignored;
        if (missing && !std::filesystem::exists(path, ignored)) return file;
        auto text = base::read_text(path, kWhat, auth::kMaxApiKeyFileBytes, base::Access::secret);
        if (!text) return text.error();
        if (const auto keys = auth::parse_api_keys(*text); !keys)
            return Failure(keys.error().code, path + ": " + keys.error().text);
        for (std::string_view rest = *text; !rest.empty();) {
            const std::size_t end = std::min(rest.find('\n'), rest.size());
            file.lines_.emplace_back(rest.substr(0, end));
            rest.remove_prefix(std::min(end + 1, rest.size()));
        }
        return file;
    }
    KeyFile(KeyFile&&) = default;
    KeyFile& operator=(KeyFile&&) = default;
    ~KeyFile() {
        if (!lock_) return;
        std::error_code ignored;
        std::filesystem::remove(path_ + ".lock", ignored);
    }

    // The line of a key. Null: there is none.
    std::string* find(std::string_view id) {
        const auto found = std::ranges::find_if(
            lines_, [id](const std::string& line) { return line.starts_with(std::string(id) + " "); });
        return found == lines_.end() ? nullptr : &*found;
    }
    void add(const auth::ApiKey& key) { lines_.push_back(auth::to_line(key)); }
    void remove(const std::string* line) { lines_.erase(lines_.begin() + (line - lines_.data())); }
    Checked<> write() const {
        std::string text;
        for (const std::string& line : lines_) text += line + "\n";
        const auto put = base::put_file(path_, kWhat, text, {base::Access::secret, true, true});
        return put ? Checked<>() : Checked<>(put.error());
    }

private:
    KeyFile() = default;

    std::string path_;
    base::Descriptor lock_;
    std::vector<std::string> lines_;
};

Failure no_such_key(const KeyOptions& options) {
    return {errc::invalid_config, options.file + " has no key with the id " + printable(options.id)};
}

int show_new(const auth::NewApiKey& made, const KeyOptions& options) {
    if (options.json) {
        print_json({{"id", made.key.id}, {"key", made.secret}, {"scopes", made.key.scopes.text()}});
    } else {
        std::fprintf(stderr, "the key %s is in %s; it is shown once:\n", made.key.id.c_str(), options.file.c_str());
        std::printf("%s\n", made.secret.c_str());
    }
    return kDone;
}

int create_key(const KeyOptions& options) {
    const auto scopes = auth::Scopes::parse(options.scopes);
    if (!scopes) return key_problem({errc::invalid_config, "--scopes: " + scopes.error().text});
    auto made = auth::make_api_key(*scopes, base::system_random());
    if (!options.until.empty()) {
        made.key.until = base::from_rfc3339(options.until);
        if (!made.key.until)
            return key_problem({errc::invalid_config, "--until needs a time like 2027-01-01T00:00:00Z"});
    }
    made.key.note = printable(options.note);
    auto file = KeyFile::open(options.file, true);
    if (!file) return key_problem(file.error());
    file->add(made.key);
    if (const auto written = file->write(); !written) return key_problem(written.error());
    return show_new(made, options);
}

int list_keys(const KeyOptions& options) {
    const auto text = base::read_text(options.file, kWhat, auth::kMaxApiKeyFileBytes, base::Access::secret);
    if (!text) return key_problem(text.error());
    const auto keys = auth::parse_api_keys(*text);
    if (!keys) return key_problem({keys.error().code, options.file + ": " + keys.error().text});
    for (const auth::ApiKey& key : *keys) {
        const bool over = key.is_over(KeyClock::now());
        const std::string until = key.until ? base::to_rfc3339(*key.until) : std::string();
        if (options.json) {
            boost::json::object told{{"id", key.id}, {"scopes", key.scopes.text()}, {"over", over}};
            if (key.until) told["until"] = until;
            if (!key.note.empty()) told["note"] = key.note;
            print_json(told);
            continue;
        }
        std::printf("%s  %s%s%s%s%s\n", key.id.c_str(), key.scopes.text().c_str(), key.until ? "  until " : "",
                    until.c_str(), over ? " (over)" : "",
                    key.note.empty() ? "" : ("  # " + printable(key.note)).c_str());
    }
    return kDone;
}

int rotate_key(const KeyOptions& options) {
    auto file = KeyFile::open(options.file, false);
    if (!file) return key_problem(file.error());
    std::string* const line = file->find(options.id);
    if (line == nullptr) return key_problem(no_such_key(options));
    auth::ApiKey before = *auth::api_key_from_line(*line);
    auto made = auth::make_api_key(before.scopes, base::system_random());
    made.key.note = before.note;
    const auto end = KeyClock::now() + std::chrono::seconds(options.overlap_s);
    before.until = before.until ? std::min(*before.until, end) : end;
    *line = auth::to_line(before);
    file->add(made.key);
    if (const auto written = file->write(); !written) return key_problem(written.error());
    if (!options.json)
        std::fprintf(stderr, "the key %s is good until %s\n", before.id.c_str(),
                     base::to_rfc3339(*before.until).c_str());
    return show_new(made, options);
}

int revoke_key(const KeyOptions& options) {
    auto file = KeyFile::open(options.file, false);
    if (!file) return key_problem(file.error());
    const std::string* const line = file->find(options.id);
    if (line == nullptr) return key_problem(no_such_key(options));
    file->remove(line);
    if (const auto written = file->write(); !written) return key_problem(written.error());
    if (options.json) {
        print_json({{"id", options.id}, {"revoked", true}});
    } else {
        std::printf("the key %s is gone; tell the server: SIGHUP\n", printable(options.id).c_str());
    }
    return kDone;
}

CLI::App* add_part(CLI::App& parent, const char* name, const char* says, const std::shared_ptr<KeyOptions>& options,
                   Run& run, int (*part)(const KeyOptions&)) {
    CLI::App* command = parent.add_subcommand(name, says);
    command->add_option("--file", options->file, "file with the keys: api.keys_file of the server")
        ->required()
        ->type_name("FILE");
    command->add_flag("--json", options->json, "print one JSON object for each key");
    command->callback([options, &run, part] { run = [options, part] { return part(*options); }; });
    return command;
}

}  // namespace

void add_api_key(CLI::App& app, Run& run) {
    CLI::App* keys = app.add_subcommand("api-key", "Make, list, rotate and revoke keys of the server API");
    keys->require_subcommand(1);
    const auto options = std::make_shared<KeyOptions>();

    CLI::App* create = add_part(*keys, "create", "Make a key, and print it; the file is made if it is missing", options,
                                run, create_key);
    create->add_option("--scopes", options->scopes, "what it may do: messages:write,users:read, or * for all")
        ->required()
        ->type_name("LIST");
    create->add_option("--until", options->until, "when its time is over; without it: never")->type_name("TIME");
    create->add_option("--note", options->note, "what it is for")->type_name("TEXT");

    (void)add_part(*keys, "list", "List the keys, without their secrets", options, run, list_keys);

    CLI::App* rotate = add_part(*keys, "rotate", "Make the successor of a key, and print it", options, run, rotate_key);
    rotate->add_option("id", options->id, "of the key that it succeeds")->required()->type_name("ID");
    rotate->add_option("--overlap", options->overlap_s, "for how long the old one is still good")
        ->capture_default_str()
        ->check(CLI::Range(0, 365 * 24 * 3600))
        ->type_name("SECONDS");

    CLI::App* revoke = add_part(*keys, "revoke", "Take a key away", options, run, revoke_key);
    revoke->add_option("id", options->id, "of the key")->required()->type_name("ID");
}

}  // namespace flare::cli
