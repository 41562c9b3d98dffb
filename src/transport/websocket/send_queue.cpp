#include "transport/websocket/send_queue.hpp"

#include <string>

namespace flare::transport::websocket {

void SendQueue::keep(std::span<const tcp::Piece> pieces, std::size_t written) {
    std::string copied;
    const auto flush_copied = [&] {
        if (copied.empty()) return;
        parts_.emplace_back(std::string_view(copied));
        copied.clear();
    };
    for (const tcp::Piece& piece : pieces) {
        if (written >= piece.size) {
            written -= piece.size;
            continue;
        }
        const std::string_view rest(piece.data + written, piece.size - written);
        written = 0;
        if (piece.shared != nullptr) {
            flush_copied();
            parts_.push_back(piece.shared->share(rest));
        } else {
            copied.append(rest);
        }
    }
    flush_copied();
}

IoResult SendQueue::flush(tcp::Socket& socket) {
    IoResult result;
    if (empty()) return result;
    std::vector<tcp::Piece>& pieces = tcp::WriteScratch::of_this_thread().pieces;
    pieces.clear();
    for (std::size_t i = first_; i < parts_.size(); ++i)
        pieces.push_back({parts_[i].data(), parts_[i].size(), nullptr});
    result = socket.write(pieces);
    std::size_t left = result.bytes;
    while (first_ < parts_.size() && left >= parts_[first_].size()) {
        left -= parts_[first_].size();
        parts_[first_++] = Bytes();
    }
    if (first_ == parts_.size()) {
        clear();
    } else if (left != 0) {
        parts_[first_] = parts_[first_].slice(left);
    }
    return result;
}

void SendQueue::clear() noexcept {
    std::vector<Bytes>().swap(parts_);
    first_ = 0;
}

}  // namespace flare::transport::websocket
