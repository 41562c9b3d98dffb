// The record of one connection, for tools such as qvis: every packet, every loss, the congestion window.
//
// Protocol: draft-ietf-quic-qlog-main-schema, JSON text sequences (RFC 7464), as ngtcp2 writes them.
// Threads:  one.
// Owner:    Connection.
#pragma once

#include "base/quiet_writes.hpp"

#include <cstdint>
#include <cstdio>
#include <memory>
#include <span>
#include <string>

namespace flare::transport::quic {

class Qlog {
public:
    // FOLDER/ID-server.sqlog or FOLDER/ID-client.sqlog; `id` is the first connection id, so both sides' files have one
    // name. Null: the file cannot be made; the log says why, the connection goes on without.
    static std::unique_ptr<Qlog> open(const std::string& folder, std::span<const std::uint8_t> id, bool server);
    void write(const void* data, std::size_t size);

private:
    struct Closer {
        void operator()(std::FILE* file) const noexcept {
            const base::QuietWrites quiet;
            (void)std::fclose(file);
        }
    };
    Qlog(std::unique_ptr<std::FILE, Closer> file, std::string path) : file_(std::move(file)), path_(std::move(path)) {}

    std::unique_ptr<std::FILE, Closer> file_;  // null: it could not be written to any more
    const std::string path_;
};

}  // namespace flare::transport::quic
