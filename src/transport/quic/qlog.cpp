#include "transport/quic/qlog.hpp"

#include "base/log.hpp"
#include "base/quiet_writes.hpp"

#include <cerrno>
#include <cstring>

#include <fcntl.h>

namespace flare::transport::quic {

std::unique_ptr<Qlog> Qlog::open(const std::string& folder, std::span<const std::uint8_t> id, bool server) {
    std::string path = folder + "/";
    for (const std::uint8_t byte : id) {
        constexpr char kDigits[] = "0123456789abcdef";
        path += kDigits[byte >> 4];
        path += kDigits[byte & 15];
    }
    path += server ? "-server.sqlog" : "-client.sqlog";
    // Who talks to whom, and when, is nobody else's business.
    const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    std::unique_ptr<std::FILE, Closer> file(fd < 0 ? nullptr : ::fdopen(fd, "wb"));
    if (!file) {
        base::log().limited(base::LogKind::unwritable_qlog, "qlog: {}: {}", path, std::strerror(errno));
        return nullptr;
    }
    return std::unique_ptr<Qlog>(new Qlog(std::move(file), std::move(path)));
}

void Qlog::write(const void* data, std::size_t size) {
    const base::QuietWrites quiet;
    if (!file_ || std::fwrite(data, 1, size, file_.get()) == size) return;
    base::log().limited(base::LogKind::unwritable_qlog, "qlog: {}: {}; nothing more is recorded of this connection",
                        path_, std::strerror(errno));
    file_.reset();
}

}  // namespace flare::transport::quic
