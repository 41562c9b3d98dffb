// The newest entries of conversations as pages of lists give them: encoded once for all members who come back at about
// the same time.
//
// What is kept is of a log at a stamp, and whatever changes an entry gives its log another one. What retention has
// removed since is below the first offset that is asked for.
//
// Protocol: docs/conversations.md, "The list".
// Threads:  any.
// Owner:    ServerState, and questions to the store that are under way.
#pragma once

#include "base/aging_map.hpp"
#include "store/engine.hpp"
#include "wire/compression.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>

namespace flare::server::reading {

class NewestEntries {
public:
    static constexpr std::size_t kMostBytes = 32 * 1024 * 1024;
    static constexpr std::size_t kMostOfOne = 64 * 1024;  // more of a conversation is not kept

    // Which entries: those from `begin` to the end of the log at that stamp.
    struct Which {
        store::Row conversation = 0;
        std::uint64_t epoch = 0;  // of the log: in another generation of the store, stamps mean something else
        std::uint64_t stamp = 0;  // Head::stamp
        std::uint64_t begin = 0;
        wire::Encodings encodings = 0;  // which their reader takes

        friend bool operator==(const Which&, const Which&) = default;
    };
    struct Encoded {
        Which which{};
        std::string entries{};   // as a wire::im::SyncedConversation without anything else
        std::uint64_t room = 0;  // of a page: EntryWriter::room()
        // The oldest entry that one of them is about: they are for whoever has not cleared it.
        std::uint64_t changes_from = UINT64_MAX;
    };
    using Ptr = std::shared_ptr<const Encoded>;

    explicit NewestEntries(std::size_t most_bytes = kMostBytes) : kept_(most_bytes) {}

    Ptr find(const Which& which);  // null: it is not there
    // Unless they are too large.
    void put(Encoded encoded);

private:
    // A conversation and what about its readers differs: one page asks for 10 entries of it, and another for 1.
    static std::uint64_t place_of(const Which& which) noexcept;

    std::mutex mutex_;
    base::AgingMap<std::uint64_t, Ptr> kept_;
};
using NewestEntriesPtr = std::shared_ptr<NewestEntries>;

}  // namespace flare::server::reading
