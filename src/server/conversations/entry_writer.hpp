// Entries of the store as their readers get them: with names, and packed as the reader takes it.
//
// Protocol: docs/wire.md, "Bodies of requests".
// Threads:  one of the store's.
#pragma once

#include "store/engine.hpp"
#include "wire/compression.hpp"
#include "wire/requests.hpp"

#include <boost/unordered/unordered_flat_map.hpp>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

namespace flare::server::reading {

// As messages are packed on the wire.
wire::Encoding encoding_of(model::StoredEncoding encoding) noexcept;

// The names of users, each read once.
class UserNames {
public:
    explicit UserNames(store::Reader& reader) : reader_(reader) {}
    // Valid as long as this. The row 0 is the server; somebody who is gone has no name.
    Result<std::string_view> of(store::Row row);

private:
    store::Reader& reader_;
    std::deque<std::string> kept_;
    boost::unordered_flat_map<store::Row, const std::string*> names_;
};

// What an entry has beside its texts, at most: numbers, the id and all lengths.
inline constexpr std::size_t kMostBesideTexts = 128;

// Entries as their reader gets them, until the page is full. What is counted is what travels: a text that a reader
// without its encoding gets inflated, a change with its names.
class EntryWriter {
public:
    // one_each: the first entry of each `to` is given in any case, and `room` is for texts alone; else nothing is
    // beyond `room`, which is for all that an entry has.
    EntryWriter(store::Reader& reader, wire::Encodings encodings, std::size_t room, bool one_each = true)
        : names_(reader), encodings_(encodings), room_(room), one_each_(one_each) {}

    // `from`, and this, outlive what `to` gets. False: there is no room for it.
    Result<bool> add(const store::Entry& from, std::vector<wire::im::Entry>& to);
    std::uint64_t room() const noexcept { return room_; }
    // Of entries that are given in another way. False: there is no room for them.
    bool take(std::uint64_t room) noexcept {
        if (room > room_) return false;
        room_ -= room;
        return true;
    }

private:
    bool take(std::uint64_t bytes, bool first);
    errc inflate(wire::im::Entry& entry);

    // A type of our own: containers of Bytes would be public names.
    struct Inflated {
        Bytes bytes;
    };
    UserNames names_;
    const wire::Encodings encodings_;
    std::uint64_t room_;
    const bool one_each_;
    const wire::Compression inflater_{wire::Compression::Options()};
    std::deque<Inflated> inflated_;
    std::deque<std::string> told_;
};

}  // namespace flare::server::reading
