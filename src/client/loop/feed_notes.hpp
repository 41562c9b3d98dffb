// Writes the entries of a client's flight record that are about subscriptions.
//
// Protocol: docs/explain.md, "Records".
// Threads:  its client's I/O thread.
// Owner:    FlightNotes; the recorder outlives it.
#pragma once

#include "client/im/feed_note.hpp"
#include "client/recorder.hpp"

namespace flare::client {

class FeedNotes final : public FeedRecord {
public:
    explicit FeedNotes(Recorder& recorder) : recorder_(recorder) {}

    // Of one that is renewed again and again while nothing is written, only the 1st, 2nd, 4th ... time is recorded.
    void write(const FeedNote& note) override;

private:
    Recorder& recorder_;
};

}  // namespace flare::client
