// Faults of src/im in programs that are compiled without them: their copy of the module has them.
//
// Threads: before the test begins, and behind it.
#pragma once

namespace flare::im::test {

// As long as it lives, a feed that is behind is not ended with the membership (Fault::removal_missed_behind).
class RemovalMissedBehind {
public:
    RemovalMissedBehind();
    ~RemovalMissedBehind();
    RemovalMissedBehind(const RemovalMissedBehind&) = delete;
    RemovalMissedBehind& operator=(const RemovalMissedBehind&) = delete;
};

}  // namespace flare::im::test
