// The state behind a Client handle: its loop and its threads.
//
// Threads: any.
// Owner:   Client.
#pragma once

#include "client/crossing.hpp"

#include <boost/asio/executor_work_guard.hpp>

#include <memory>
#include <optional>
#include <thread>

namespace flare {

class FLARE_HIDDEN Client::Impl {
public:
    explicit Impl(client::Config config);
    ~Impl();

    client::ClientLoop& loop() const noexcept { return *loop_; }

    Conversations& conversations() const noexcept { return *conversations_; }
    Invitations& invitations() const noexcept { return *invitations_; }
    Restrictions& restrictions() const noexcept { return *restrictions_; }
    Push& push() const noexcept { return *push_; }
    Marks& marks() const noexcept { return *marks_; }
    Settings& settings() const noexcept { return *settings_; }
    Signals& signals() const noexcept { return *signals_; }

    // See client/crossing.hpp.
    template <typename T, typename Begin>
    bool wait_for(T& result, Begin begin) const {
        return client::wait_for<T>(loop_, result, std::move(begin));
    }

    std::shared_ptr<client::ClientLoop> shared_loop() const { return loop_; }
    bool has_cache() const noexcept { return cache_ != nullptr; }
    SendResult send(Message message) const;
    // With a cache: returns when the message is in its file, if this thread may wait for it.
    void post(Message message) const;

private:
    std::shared_ptr<client::PoolResources> shared_;  // null: it is in no SessionPool
    std::unique_ptr<boost::asio::io_context> own_context_;
    std::optional<boost::asio::executor_work_guard<boost::asio::io_context::executor_type>> work_;
    std::shared_ptr<client::EventQueue> events_;
    std::shared_ptr<client::Cache> cache_;  // null: none
    std::shared_ptr<client::ClientLoop> loop_;
    std::unique_ptr<Conversations> conversations_;
    std::unique_ptr<Invitations> invitations_;
    std::unique_ptr<Restrictions> restrictions_;
    std::unique_ptr<Push> push_;
    std::unique_ptr<Marks> marks_;
    std::unique_ptr<Settings> settings_;
    std::unique_ptr<Signals> signals_;
    std::thread thread_;
};

}  // namespace flare
