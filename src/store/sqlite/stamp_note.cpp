#include "store/sqlite/stamp_note.hpp"

#include "base/log.hpp"

#include <array>
#include <cstdio>
#include <utility>

#include <fcntl.h>
#include <unistd.h>

namespace flare::store::sqlite {
namespace {

// "GENERATION STAMP\n", in hexadecimal: always as long, so that a note is written over the one before.
constexpr std::size_t kBytes = 16 + 1 + 16 + 1;

}  // namespace

StampNote::StampNote(const std::string& path) {
    auto opened = base::open_kept_file(path, "the note of the store,");
    if (!opened) {
        base::log().warn("store: {}", opened.error().text);
        return;
    }
    file_ = std::move(*opened);
    // It is written in place.
    if (const int flags = ::fcntl(file_.get(), F_GETFL); flags >= 0)
        (void)::fcntl(file_.get(), F_SETFL, flags & ~O_APPEND);
    std::array<char, kBytes + 1> text{};
    unsigned long long generation = 0;
    unsigned long long stamp = 0;
    if (::pread(file_.get(), text.data(), kBytes, 0) != static_cast<ssize_t>(kBytes)) return;
    if (std::sscanf(text.data(), "%16llx %16llx", &generation, &stamp) != 2) return;
    generation_ = generation;
    stamp_ = stamp;
}

void StampNote::put(std::uint64_t generation, std::uint64_t stamp) noexcept {
    if (!file_ || (generation == generation_ && stamp == stamp_)) return;
    generation_ = generation;
    stamp_ = stamp;
    std::array<char, kBytes + 1> text{};
    std::snprintf(text.data(), text.size(), "%016llx %016llx\n", static_cast<unsigned long long>(generation),
                  static_cast<unsigned long long>(stamp));
    // One that cannot be written is missed by nobody but who puts an older file back.
    (void)!::pwrite(file_.get(), text.data(), kBytes, 0);
}

}  // namespace flare::store::sqlite
