#include "chat_marks.hpp"

#include <utility>

namespace flare::cli {

ChatMarks::ChatMarks(Client& client) : client_(client), thread_([this] { run(); }) {}

ChatMarks::~ChatMarks() {
    {
        const std::lock_guard lock(mutex_);
        over_ = true;
    }
    changed_.notify_all();
    thread_.join();
}

void ChatMarks::read(const std::string& conversation, const Position& upto) {
    {
        const std::lock_guard lock(mutex_);
        due_[conversation] = upto;
    }
    changed_.notify_all();
}

void ChatMarks::finish(std::chrono::milliseconds limit) {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, limit, [this] { return due_.empty() && !busy_; });
}

void ChatMarks::run() {
    std::unique_lock lock(mutex_);
    for (;;) {
        changed_.wait(lock, [this] { return over_ || !due_.empty(); });
        if (due_.empty()) return;
        const auto [conversation, upto] = *due_.begin();
        due_.erase(due_.begin());
        busy_ = true;
        lock.unlock();
        static_cast<void>(client_.conversations().mark_read(conversation, upto));
        lock.lock();
        busy_ = false;
        changed_.notify_all();
    }
}

}  // namespace flare::cli
