#include "transport/tcp/socket.hpp"

#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <cstring>
#include <utility>

namespace flare::transport::tcp {

struct ReadBuffer::Memory {
    std::unique_ptr<char[]> data = std::make_unique_for_overwrite<char[]>(kBytes + tls::kMaxRecordBytes);
    std::unique_ptr<char[]> received = std::make_unique_for_overwrite<char[]>(kBytes);
};

namespace {

std::unique_ptr<ReadBuffer::Memory>& spare_memory() {
    thread_local std::unique_ptr<ReadBuffer::Memory> memory;
    return memory;
}

}  // namespace

ReadBuffer::ReadBuffer() : memory_(std::move(spare_memory())) {
    if (memory_ == nullptr) memory_ = std::make_unique<Memory>();
}

ReadBuffer::~ReadBuffer() { spare_memory() = std::move(memory_); }

std::span<char> ReadBuffer::data() const noexcept { return {memory_->data.get(), kBytes + tls::kMaxRecordBytes}; }

std::span<char> ReadBuffer::received() const noexcept { return {memory_->received.get(), kBytes}; }

WriteScratch& WriteScratch::of_this_thread() {
    thread_local WriteScratch scratch;
    return scratch;
}

IoResult Socket::read(const ReadBuffer& buffer, std::size_t limit) {
    const std::size_t room = std::clamp<std::size_t>(limit, 1, ReadBuffer::kBytes);
    if (tls != nullptr) return tls->read(buffer.data(), buffer.received().first(room));
    const ssize_t got = ::recv(tcp.fd(), buffer.data().data(), room, 0);
    if (got < 0) {
        if (errno == EAGAIN || errno == EINTR) return {0, IoStatus::would_block, 0};
        return {0, IoStatus::failed, errno};
    }
    if (got == 0) return {0, IoStatus::end, 0};
    const auto bytes = static_cast<std::size_t>(got);
    return {bytes, bytes < room ? IoStatus::would_block : IoStatus::ok, 0};
}

namespace {

constexpr std::size_t kSmallBytes = 2048;

// What took `sent` of `offered` bytes, or did not.
IoResult outcome_of(ssize_t sent, std::size_t offered) {
    if (sent < 0) {
        if (errno == EAGAIN || errno == EINTR) return {0, IoStatus::would_block, 0};
        return {0, IoStatus::failed, errno};
    }
    const auto bytes = static_cast<std::size_t>(sent);
    return {bytes, bytes < offered ? IoStatus::would_block : IoStatus::ok, 0};
}

// Copying little is cheaper than having the kernel gather it.
IoResult write_small(int fd, std::span<const Piece> pieces) {
    std::array<char, kSmallBytes> bytes;  // NOLINT(cppcoreguidelines-pro-type-member-init)
    char* end = bytes.data();
    for (const Piece& piece : pieces) {
        std::memcpy(end, piece.data, piece.size);
        end += piece.size;
    }
    const auto size = static_cast<std::size_t>(end - bytes.data());
    return outcome_of(::send(fd, bytes.data(), size, MSG_NOSIGNAL), size);
}

IoResult write_pieces(int fd, std::span<const Piece> pieces) {
    std::size_t total = 0;
    for (const Piece& piece : pieces) {
        if ((total += piece.size) > kSmallBytes) break;
    }
    if (total <= kSmallBytes) return write_small(fd, pieces);
    std::vector<iovec>& vectors = WriteScratch::of_this_thread().vectors;
    IoResult result;
    while (!pieces.empty()) {
        const std::size_t count = std::min<std::size_t>(pieces.size(), IOV_MAX);
        vectors.clear();
        std::size_t offered = 0;
        for (const Piece& piece : pieces.first(count)) {
            vectors.push_back({const_cast<char*>(piece.data), piece.size});
            offered += piece.size;
        }
        pieces = pieces.subspan(count);
        msghdr message{};
        message.msg_iov = vectors.data();
        message.msg_iovlen = count;
        const IoResult part = outcome_of(::sendmsg(fd, &message, MSG_NOSIGNAL), offered);
        result = {result.bytes + part.bytes, part.status, part.error};
        if (part.status != IoStatus::ok) return result;
    }
    return result;
}

// Small pieces become one record; a piece that fills a record alone is encrypted from where it lies.
IoResult write_tls(tls::Session& session, std::span<const Piece> pieces) {
    std::string& record = WriteScratch::of_this_thread().record;
    IoResult result;
    std::size_t index = 0;
    std::size_t offset = 0;  // in pieces[index]
    while (index < pieces.size()) {
        std::string_view next(pieces[index].data + offset, pieces[index].size - offset);
        if (next.size() < tls::kMaxRecordBytes && index + 1 < pieces.size()) {
            record.assign(next);
            for (std::size_t i = index + 1; i < pieces.size() && record.size() < tls::kMaxRecordBytes; ++i) {
                record.append(pieces[i].data, std::min(pieces[i].size, tls::kMaxRecordBytes - record.size()));
            }
            next = record;
        }
        if (next.empty()) break;
        const IoResult written = session.write(next);
        result.bytes += written.bytes;
        if (written.status != IoStatus::ok) {
            result.status = written.status == IoStatus::end ? IoStatus::failed : written.status;
            result.error = written.status == IoStatus::end ? EPIPE : written.error;
            return result;
        }
        for (std::size_t left = written.bytes; left != 0 && index < pieces.size();) {
            const std::size_t step = std::min(left, pieces[index].size - offset);
            offset += step;
            left -= step;
            if (offset == pieces[index].size) {
                ++index;
                offset = 0;
            }
        }
    }
    return result;
}

}  // namespace

IoResult Socket::write(std::span<const Piece> pieces) {
    return tls != nullptr ? write_tls(*tls, pieces) : write_pieces(tcp.fd(), pieces);
}

IoResult Socket::write_plain(std::string_view bytes) {
    return outcome_of(::send(tcp.fd(), bytes.data(), bytes.size(), MSG_NOSIGNAL), bytes.size());
}

void Socket::reset_when_closed() noexcept {
    const linger at_once{1, 0};
    ::setsockopt(tcp.fd(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
}

void Socket::finish_writing() noexcept {
    if (tls != nullptr) tls->shutdown();
    ::shutdown(tcp.fd(), SHUT_WR);
}

}  // namespace flare::transport::tcp
