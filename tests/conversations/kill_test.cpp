// A server that is killed while messages are on their way, and started again on its file.
#include "integration/harness.hpp"
#include "store/sqlite/sqlite.hpp"

#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <filesystem>
#include <list>
#include <map>

namespace flare::test {
namespace {

// A server of its own, until it is killed.
class ServerProcess {
public:
    // Returns when it serves, or has ended.
    ServerProcess(const std::string& file, const std::string& address) {
        int out[2];
        if (::pipe(out) != 0) return;
        pid_ = ::fork();
        if (pid_ != 0) {
            ::close(out[1]);
            for (char each = 0; ::read(out[0], &each, 1) == 1 && each != '\n';) address_ += each;
            ::close(out[0]);
            return;
        }
        ::dup2(out[1], STDOUT_FILENO);
        ::close(out[0]);
        ::close(out[1]);
        ::execl(FLARE_KEPT_SERVER, "kept_server", address.c_str(), file.c_str(), nullptr);
        ::_exit(127);
    }
    ~ServerProcess() { kill(); }
    ServerProcess(const ServerProcess&) = delete;
    ServerProcess& operator=(const ServerProcess&) = delete;
    const std::string& address() const { return address_; }  // empty: it could not start
    void kill() {
        if (pid_ <= 0) return;
        ::kill(pid_, SIGKILL);
        ::waitpid(pid_, nullptr, 0);
        pid_ = 0;
    }

private:
    pid_t pid_ = 0;
    std::string address_;
};

// One user who sends numbers to "everybody", and what was said to be stored of them.
struct Sender {
    Events events;
    std::optional<Client> client;
    std::map<int, bool> stored;  // by number
    std::thread thread;
};

TEST(AKilledServer, HasAllThatWasStoredOnceAndInOrder) {
    const std::string folder = std::filesystem::temp_directory_path() / ("flare-kill-" + std::to_string(::getpid()));
    std::filesystem::create_directories(folder);
    const std::string file = folder + "/flare.db";
    constexpr int kSenders = 4;
    constexpr int kEach = 90;  // below the burst of a device

    auto server = std::make_unique<ServerProcess>(file, "127.0.0.1:0");
    const std::string address = server->address();  // which those after it have, too
    ASSERT_FALSE(address.empty()) << "the server has not started";
    Events at_bob;
    auto bob = client_of(address, "bob", at_bob).build();
    ASSERT_TRUE(bob);
    ASSERT_TRUE(bob->connect());
    bob->disconnect();

    std::list<Sender> senders(kSenders);
    std::atomic<int> answered{0};
    int index = 0;
    for (Sender& sender : senders) {
        auto made = client_of(address, "sender" + std::to_string(index++), sender.events).reconnect_delay(50ms).build();
        ASSERT_TRUE(made);
        sender.client.emplace(std::move(*made));
        ASSERT_TRUE(sender.client->connect());
        sender.thread = std::thread([&sender, &answered] {
            for (int number = 0; number < kEach; ++number) {
                sender.stored[number] = sender.client->send_text_message("bob", std::to_string(number)).success;
                ++answered;
            }
        });
    }
    for (int kills = 1; kills <= 3; ++kills) {
        ASSERT_TRUE(eventually([&] { return answered >= kills * kSenders * kEach / 5; })) << answered;
        server->kill();
        server = std::make_unique<ServerProcess>(file, address);
        EXPECT_EQ(server->address(), address);
    }
    for (Sender& sender : senders) sender.thread.join();
    senders.front().client->disconnect();
    server->kill();

    auto engine = store::sqlite::open({.path = file});
    ASSERT_TRUE(engine) << engine.error().text;
    auto reader = (*engine)->reader();
    index = 0;
    for (const Sender& sender : senders) {
        const std::string name = "sender" + std::to_string(index++);
        const auto conversation = *reader->conversation(model::ConversationKey::direct(name, "bob"));
        ASSERT_TRUE(conversation) << name;
        store::PageRequest request;
        request.conversation = conversation->row;
        request.from = 1;
        request.direction = store::Direction::forward;
        request.limit = 1000;
        const auto page = reader->page(request);
        ASSERT_TRUE(page);
        std::vector<int> log;
        for (const store::Entry& entry : page->entries) {
            EXPECT_EQ(entry.offset, log.size() + 1) << name << ": a hole";
            log.push_back(std::stoi(entry.payload));
        }
        EXPECT_TRUE(std::is_sorted(log.begin(), log.end())) << name << ": reordered";
        EXPECT_EQ(std::adjacent_find(log.begin(), log.end()), log.end()) << name << ": repeated";
        for (const auto& [number, stored] : sender.stored) {
            EXPECT_TRUE(stored) << name << ": " << number << " was given up";
            EXPECT_EQ(std::binary_search(log.begin(), log.end(), number), stored) << name << ": " << number;
        }
    }
    reader.reset();
    engine->reset();
    std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace flare::test
