// Flight records kept as files of a folder: NAME.jsonl, one for each session, readable by this user only.
//
// A file that has grown to kMaxFileBytes is written anew from what the memory holds; of more than kMaxFiles the oldest
// are removed.
// Threads: one at a time. Calls write to a file: the folder should be a local one.
// Owner:   client::Recorder.
#pragma once

#include "base/file.hpp"

#include <flare/failure.hpp>

#include <cstddef>
#include <string>
#include <string_view>

namespace flare::flight {

class Journal {
public:
    static constexpr std::size_t kMaxFileBytes = 512 * 1024;
    static constexpr std::size_t kMaxFiles = 64;
    static constexpr std::string_view kEnding = ".jsonl";
    // NAME is a session's id, or this and an id for a connect that never came to a session.
    static constexpr std::string_view kNoSession = "connect-";

    explicit Journal(std::string folder) : folder_(std::move(folder)) {}

    // From now on the lines belong to `name`, whose file begins with `text`. Errors: file_not_found (no such folder),
    // file_unwritable; nothing more is written after one.
    Checked<> begin(const std::string& name, const std::string& text);
    // `everything`: called when the file has grown too large. Errors: file_unwritable.
    template <typename Everything>
    Checked<> add(std::string_view line, const Everything& everything) {
        if (!file_) return {};
        if (bytes_ + line.size() + 1 > kMaxFileBytes) return begin(std::string(name_), everything());
        return write(std::string(line) + '\n');
    }
    bool is_open() const noexcept { return static_cast<bool>(file_); }

private:
    Checked<> write(const std::string& text);
    Checked<> fail(const Failure& failure);
    void remove_oldest() const;

    const std::string folder_;
    std::string name_;
    base::Descriptor file_;
    std::size_t bytes_ = 0;
};

}  // namespace flare::flight
