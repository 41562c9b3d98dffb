// Immutable, reference-counted bytes: copies share the memory, so that a message encoded once can be in a thousand send
// queues.
//
// Threads: copies may be used concurrently, because the counter is atomic; a single object may not.
// Owner:   the last copy frees the memory.
#pragma once

#include <flare/export.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace flare {

class FLARE_EXPORT Bytes {
public:
    Bytes() noexcept = default;
    // Copies `text` into one allocation; an empty view allocates nothing.
    Bytes(std::string_view text);                                      // NOLINT(google-explicit-constructor)
    Bytes(const char* text) : Bytes(std::string_view(text)) {}         // NOLINT(google-explicit-constructor)
    Bytes(const std::string& text) : Bytes(std::string_view(text)) {}  // NOLINT(google-explicit-constructor)
    Bytes(std::span<const std::byte> bytes);                           // NOLINT(google-explicit-constructor)

    // One allocation of `size` bytes that `fill(char*)` writes before anybody else sees it.
    template <typename Fill>
    static Bytes make(std::size_t size, Fill&& fill) {
        Bytes made = allocate(size);
        if (size != 0) std::forward<Fill>(fill)(const_cast<char*>(made.data_));
        return made;
    }

    Bytes(const Bytes& other) noexcept : block_(other.block_), data_(other.data_), size_(other.size_) { retain(); }
    Bytes(Bytes&& other) noexcept
        : block_(std::exchange(other.block_, nullptr)),
          data_(std::exchange(other.data_, nullptr)),
          size_(std::exchange(other.size_, 0)) {}
    Bytes& operator=(Bytes other) noexcept {
        swap(other);
        return *this;
    }
    ~Bytes() {
        if (block_ != nullptr) release();
    }

    void swap(Bytes& other) noexcept {
        std::swap(block_, other.block_);
        std::swap(data_, other.data_);
        std::swap(size_, other.size_);
    }

    const char* data() const noexcept { return data_; }
    std::size_t size() const noexcept { return size_; }
    bool empty() const noexcept { return size_ == 0; }
    std::string_view view() const noexcept { return {data_, size_}; }
    std::string str() const { return std::string(view()); }
    std::span<const std::byte> span() const noexcept { return {reinterpret_cast<const std::byte*>(data_), size_}; }
    // A part that shares the memory; clipped to the bytes that exist.
    Bytes slice(std::size_t offset, std::size_t count = std::string_view::npos) const noexcept;
    // The part of this object's memory that `part` points into (`part` must lie inside view()).
    Bytes share(std::string_view part) const noexcept;

    friend bool operator==(const Bytes& a, const Bytes& b) noexcept { return a.view() == b.view(); }
    friend bool operator==(const Bytes& a, std::string_view b) noexcept { return a.view() == b; }
    friend bool operator==(const Bytes& a, const char* b) noexcept { return a.view() == b; }

private:
    struct Block {
        explicit Block(std::size_t of) : size(of) {}
        std::atomic<std::uint32_t> references{1};
        const std::size_t size;  // of the bytes behind it
    };
    static Bytes allocate(std::size_t size);
    void retain() const noexcept {
        if (block_ != nullptr) block_->references.fetch_add(1, std::memory_order_relaxed);
    }
    void release() noexcept;

    Block* block_ = nullptr;
    const char* data_ = nullptr;
    std::size_t size_ = 0;
};

}  // namespace flare
