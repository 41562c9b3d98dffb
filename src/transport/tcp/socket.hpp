// A non-blocking TCP socket, plain or with TLS, and the memory
// that all connections of a thread read into and gather in.
//
// Threads: one at a time; the buffers belong to the calling thread.
// Owner:   a handshake first, then the connection; it moves from one to the other.
#pragma once

#include "transport/io.hpp"
#include "transport/poller.hpp"
#include "transport/tls/session.hpp"

#include <flare/bytes.hpp>

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <sys/uio.h>

namespace flare::transport::tcp {

// A run of bytes to write. `shared`: the bytes lie in it, so that keeping them costs a reference; null: copy.
struct Piece {
    const char* data = nullptr;
    std::size_t size = 0;
    const Bytes* shared = nullptr;
};

// One large buffer of the thread, lent to one read at a time (a second reader on the same thread, such as an
// event loop run inside a callback, gets one of its own).
class ReadBuffer {
public:
    static constexpr std::size_t kBytes = 256 * 1024;

    ReadBuffer();
    ~ReadBuffer();
    ReadBuffer(const ReadBuffer&) = delete;
    ReadBuffer& operator=(const ReadBuffer&) = delete;

    std::span<char> data() const noexcept;      // for what the connection carries
    std::span<char> received() const noexcept;  // for TLS records; shorter than data() by one record

    struct Memory;

private:
    std::unique_ptr<Memory> memory_;
};

// Memory for making frames, reused by every connection of the thread. Nothing in it outlives one call.
struct WriteScratch {
    std::vector<Piece> pieces;
    std::string frame;
    std::vector<iovec> vectors;
    std::string record;

    static WriteScratch& of_this_thread();
};

enum class Wait : std::uint8_t { read, write };

struct Socket {
    PolledSocket tcp;
    std::unique_ptr<tls::Session> tls;  // null: plain

    // Reads once, at most `limit` bytes off the socket, into buffer.data().
    IoResult read(const ReadBuffer& buffer, std::size_t limit);
    // Writes as much as the socket takes. After would_block the next call must begin with the bytes that were
    // not written, and leave out none of those offered.
    IoResult write(std::span<const Piece> pieces);
    // The same of one run of bytes on a plain socket.
    IoResult write_plain(std::string_view bytes);
    // No more will be written: the peer reads to the end and sees it.
    void finish_writing() noexcept;
    // What the kernel still has goes nowhere, and takes no memory, when the socket is closed.
    void reset_when_closed() noexcept;
};

}  // namespace flare::transport::tcp
