// Small writes of one turn of an event loop, sent together at its end: the kernel's way of sending and the code that
// makes messages then do not drive each other out of the processor's caches for every message. It is a copy into
// memory of the loop's own in place of a system call; whoever writes keeps the order of what it writes by flush().
//
// Threads: its io_context's only.
// Owner:   Poller.
// Growth:  kBytes, from the first small write on.
#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <string_view>

namespace flare::transport {

class TurnWrites {
public:
    static constexpr std::size_t kMostBytes = 2048;  // of one write: copying more costs more than it saves
    static constexpr std::size_t kMostWrites = 128;  // then they go at once, and the first does not wait much longer
    static constexpr std::size_t kBytes = kMostWrites * kMostBytes;

    class Writer {
    public:
        // Sends `bytes`, or keeps what the socket does not take. Calls no handler, destroys no writer and adds nothing.
        virtual void send_now(std::string_view bytes) = 0;

    protected:
        ~Writer() = default;
    };

    // While one lives, small writes are kept; when the outermost ends, they are sent.
    class Turn {
    public:
        explicit Turn(TurnWrites& writes) : writes_(writes) { ++writes_.turns_; }
        ~Turn() {
            if (--writes_.turns_ == 0) writes_.flush();
        }
        Turn(const Turn&) = delete;
        Turn& operator=(const Turn&) = delete;

    private:
        TurnWrites& writes_;
    };

    // Where to put `size` bytes, which are sent at the end of the turn at the latest. null: no turn runs, or it is more
    // than kMostBytes; the caller writes it itself. Until it is sent, `writer` must not go: flush() first.
    char* add(Writer& writer, std::size_t size) {
        if (turns_ == 0 || size > kMostBytes) return nullptr;
        return room(writer, size);
    }
    // Sends all that is kept, writer by writer in the order in which it was added.
    void flush();

private:
    struct Write {
        Writer* writer;
        std::size_t size;
    };
    char* room(Writer& writer, std::size_t size);

    std::size_t turns_ = 0;  // that live, one in another
    std::size_t count_ = 0;  // of writes_
    std::size_t used_ = 0;   // of bytes_: the sum of their sizes
    std::array<Write, kMostWrites> writes_{};
    std::unique_ptr<char[]> bytes_;
};

}  // namespace flare::transport
