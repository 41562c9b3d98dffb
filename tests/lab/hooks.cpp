// Events of a hook whose endpoint answers 500 to one request in five, takes its time for another one, and is killed
// (SIGKILL), as the server is, five times each. In the end each event was taken, those of a conversation in its order,
// and each request was signed.
//
// Options: --events N (10,000).
#include "lab/lab.hpp"
#include "lab/own_process.hpp"
#include "lab/stored_server.hpp"
#include "server/hooks/signature.hpp"
#include "support/http_server.hpp"

#include <flare/client.hpp>

#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cstdio>
#include <fstream>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <sstream>
#include <thread>

namespace flare::lab {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

constexpr int kWriters = 10;  // each into a room of its own
constexpr int kKillsOfEach = 5;
constexpr const char* kHookSecret = "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIz";
constexpr const char* kUnsigned = "unsigned";

std::string field(const std::string& request, const std::string& name) {
    const std::string line = "\r\n" + name + ": ";
    const std::size_t at = request.find(line);
    if (at == std::string::npos) return "0";
    const std::size_t begin = at + line.size();
    return request.substr(begin, request.find("\r\n", begin) - begin);
}

bool is_signed(const std::string& request, const std::string& body) {
    const std::array keys{*server::hooks::key_of_secret(kHookSecret)};
    const std::uint64_t time = std::stoull(field(request, "webhook-timestamp"));
    return field(request, "webhook-signature") ==
           server::hooks::signature_of(keys, field(request, "webhook-id"), time, body);
}

// "EPOCH OFFSET ID" of each message.
std::string lines_of(const std::string& body) {
    std::ostringstream lines;
    const auto read = boost::json::parse(body);
    for (const auto& each : read.at("events").as_array()) {
        const auto& data = each.at("data");
        const auto& entry = data.at("entry");
        lines << data.at("epoch").as_string().c_str() << ' ' << entry.at("offset").as_string().c_str() << ' '
              << entry.at("id").as_string().c_str() << '\n';
    }
    return lines.str();
}

struct Journaled {
    std::uint64_t taken = 0;  // with those that came again
    std::uint64_t disordered = 0;
    std::uint64_t wrongly_signed = 0;
    std::set<std::string> ids{};
};

Journaled read_journal(const std::string& path) {
    Journaled found;
    std::map<std::string, std::uint64_t> newest;  // offset, by epoch
    std::ifstream lines(path);
    for (std::string line; std::getline(lines, line);) {
        if (line == kUnsigned) {
            ++found.wrongly_signed;
            continue;
        }
        std::istringstream words(line);
        std::string epoch;
        std::string id;
        std::uint64_t offset = 0;
        if (!(words >> epoch >> offset >> id)) continue;  // it was killed while it wrote
        ++found.taken;
        if (!found.ids.insert(id).second) continue;  // at least once
        found.disordered += offset <= newest[epoch];
        newest[epoch] = std::max(newest[epoch], offset);
    }
    return found;
}

class HookTorture {
public:
    explicit HookTorture(int events) : events_(events), address_("127.0.0.1:" + std::to_string(free_port())) {
        std::string pattern = std::filesystem::temp_directory_path() / "flare-hooks-XXXXXX";
        if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("no folder for the store");
        folder_ = pattern;
        port_ = std::to_string(free_port());
    }
    ~HookTorture() {
        std::error_code ignored;
        std::filesystem::remove_all(folder_, ignored);
    }
    HookTorture(const HookTorture&) = delete;
    HookTorture& operator=(const HookTorture&) = delete;

    int go(bool json) {
        listen();
        serve();
        std::vector<std::thread> writers;
        for (int i = 0; i < kWriters; ++i) writers.emplace_back([this, i] { write(i); });
        for (int kill = 1; kill <= kKillsOfEach; ++kill) {
            await(static_cast<std::size_t>(events_ / (kKillsOfEach + 1) * kill));
            server_->kill();
            server_.reset();
            serve();
            std::this_thread::sleep_for(300ms);
            endpoint_->kill();
            endpoint_.reset();
            std::this_thread::sleep_for(300ms);
            listen();
        }
        for (std::thread& each : writers) each.join();
        await(ids_.size());
        endpoint_.reset();
        return tell(json);
    }

private:
    void serve() {
        server_ = std::make_unique<OwnProcess>(
            std::vector<std::string>{"serve-hooked", address_, folder_ + "/flare.db", port_});
        server_->await_ready();
    }
    void listen() {
        endpoint_ = std::make_unique<OwnProcess>(
            std::vector<std::string>{"hook-endpoint", port_, journal(), std::to_string(++seed_)});
        endpoint_->await_ready();
    }
    std::string journal() const { return folder_ + "/journal"; }
    // Until so many events were taken. None for a minute: the rest is lost.
    void await(std::size_t events) {
        std::size_t before = 0;
        auto until = Clock::now() + 60s;
        for (std::size_t taken = 0; !given_up_ && (taken = read_journal(journal()).ids.size()) < events;) {
            if (taken != std::exchange(before, taken)) until = Clock::now() + 60s;
            given_up_ = Clock::now() > until;
            std::this_thread::sleep_for(50ms);
        }
    }
    void write(int number) {
        auto built = ClientBuilder("writer" + std::to_string(number))
                         .server_addresses(ServerAddresses().with_websocket_url("ws://" + address_))
                         .reconnect_delay(50ms)
                         .build();
        if (!built || !built->connect()) return;
        const std::string room = "room:hooks" + std::to_string(number);
        while (!built->conversations().create(room)) std::this_thread::sleep_for(50ms);
        for (int i = 0; i < events_ / kWriters; ++i) {
            const SendResult sent = built->send_text_message(room, std::to_string(i));
            const std::lock_guard lock(mutex_);
            sent.success ? ids_.insert(sent.message_id.str()) : refused_.insert(sent.message_id.str());
        }
        built->disconnect();
    }
    int tell(bool json) const {
        const Journaled found = read_journal(journal());
        std::uint64_t lost = 0;
        for (const std::string& id : ids_) lost += !found.ids.contains(id);
        std::printf(
            "hooks: %zu events, of which %zu were not stored; %llu taken more than once; %llu lost, %llu out of order, "
            "%llu requests without a good signature; server and endpoint killed %d times each\n",
            ids_.size(), refused_.size(), static_cast<unsigned long long>(found.taken - found.ids.size()),
            static_cast<unsigned long long>(lost), static_cast<unsigned long long>(found.disordered),
            static_cast<unsigned long long>(found.wrongly_signed), kKillsOfEach);
        if (json)
            std::printf("{\"events\":%zu,\"lost\":%llu,\"disordered\":%llu,\"unsigned\":%llu,\"again\":%llu}\n",
                        ids_.size(), static_cast<unsigned long long>(lost),
                        static_cast<unsigned long long>(found.disordered),
                        static_cast<unsigned long long>(found.wrongly_signed),
                        static_cast<unsigned long long>(found.taken - found.ids.size()));
        const bool good = lost + found.disordered + found.wrongly_signed == 0 && refused_.empty();
        return good && ids_.size() == static_cast<std::size_t>(events_ / kWriters * kWriters) ? 0 : 1;
    }

    const int events_;
    const std::string address_;
    std::string folder_;
    std::string port_;
    unsigned seed_ = 0;
    bool given_up_ = false;
    std::unique_ptr<OwnProcess> server_;
    std::unique_ptr<OwnProcess> endpoint_;
    std::mutex mutex_;
    std::set<std::string> ids_;      // that were stored; guarded by mutex_
    std::set<std::string> refused_;  // guarded by mutex_
};

}  // namespace

int lab_hooks(const Options& options) {
    return HookTorture(options.events != 0 ? options.events : 10'000).go(options.json);
}

int lab_serve_hooked(const std::string& address, const std::string& file, const std::string& port) {
    ServerHook hook;
    hook.name = "lab";
    hook.url = "http://127.0.0.1:" + port + "/";
    hook.events = {"message.created"};
    hook.secrets = {kHookSecret};
    hook.timeout = 2s;
    return serve_until_killed(stored_server(address, file).hooks({std::move(hook)}));
}

int lab_hook_endpoint(const std::string& port, const std::string& journal, const std::string& seed) {
    const int file = ::open(journal.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    if (file < 0) return 1;
    std::signal(SIGPIPE, SIG_IGN);  // the server is killed while it is answered
    std::mutex mutex;
    std::minstd_rand chance(static_cast<unsigned>(std::stoul(seed)));
    test::HttpServer server(
        [&](const std::string& request) -> std::string {
            const std::lock_guard lock(mutex);
            const std::string body = request.substr(request.find("\r\n\r\n") + 4);
            const auto drawn = chance() % 10;
            if (drawn < 2) return test::http_answer(500, "{}");
            if (drawn == 2) std::this_thread::sleep_for(300ms);
            const std::string lines = is_signed(request, body) ? lines_of(body) : std::string(kUnsigned) + "\n";
            // All of a request at once, or nothing.
            const bool written = ::write(file, lines.data(), lines.size()) == static_cast<ssize_t>(lines.size());
            if (drawn == 3) return {};  // it was taken, and nobody hears so
            return test::http_answer(written ? 200 : 500, "{}");
        },
        {}, {}, static_cast<std::uint16_t>(std::stoul(port)));
    server.keep_connections();
    std::puts("listening");
    for (;;) ::pause();
}

}  // namespace flare::lab
