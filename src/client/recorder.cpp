#include "client/recorder.hpp"

#include "client/config.hpp"

#include <bit>

namespace flare::client {
namespace {

std::string head(const Config& config) {
    flight::Line line("client", {});
    line.add("version", 1);
    line.add("began", flight::utc(std::chrono::system_clock::now()));
    line.add("user", config.session.user).add("device", config.session.device);
    std::vector<std::string> addresses;
    for (const Url& url : config.addresses) addresses.push_back(address_of(url));
    line.add("addresses", addresses);
    line.add("falls_back", config.racing.auto_fallback && config.protocols().size() > 1);
    line.add("measures", config.measures && config.protocols().size() > 1);
    line.ms("racing_interval_ms", config.racing.racing_interval);
    return line.text();
}

}  // namespace

std::string address_of(const Url& url) { return url.shown(); }

std::string_view record_name(Protocol protocol) noexcept { return protocol == Protocol::quic ? "quic" : "websocket"; }

Recorder::Recorder(const Config& config, std::function<void(const Failure&)> trouble) : trouble_(std::move(trouble)) {
    if (!config.record_folder.empty()) journal_.emplace(config.record_folder);
    ring_.head(head(config));
}

flight::Line Recorder::line(std::string_view event) const { return {event, std::chrono::steady_clock::now() - began_}; }

void Recorder::add(const flight::Line& line, flight::Ring::Of of) {
    std::string text = line.text();
    if (journal_) judge(journal_->add(text, [&] { return this->text() + text + '\n'; }));
    const std::lock_guard lock(mutex_);
    ring_.add(std::move(text), of);
}

std::uint32_t Recorder::worth_a_line(const std::string& of, const std::string& verdict) {
    Repeated& repeated = repeated_[of];
    if (repeated.verdict != verdict) repeated = {verdict, 0};
    ++repeated.times;
    return std::has_single_bit(repeated.times) ? repeated.times : 0;
}

void Recorder::session(const std::string& id) {
    if (id == session_) return;
    session_ = id;
    if (journal_) judge(journal_->begin(id, text()));
}

void Recorder::no_session() {
    if (journal_ && session_.empty() && !journal_->is_open())
        judge(journal_->begin(std::string(flight::Journal::kNoSession) + Uuid::v7().str(), text()));
}

void Recorder::judge(const Checked<>& written) {
    if (written) return;
    journal_.reset();
    trouble_(written.error());
}

std::string Recorder::text() const {
    const std::lock_guard lock(mutex_);
    return ring_.text();
}

}  // namespace flare::client
