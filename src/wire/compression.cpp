#include "wire/compression.hpp"

#include <algorithm>
#include <new>

#include <zlib.h>
#include <zstd.h>

namespace flare::wire {
namespace {

constexpr int kGzipLevel = 6;
constexpr std::size_t kGzipUpTo = 32 * 1024;   // deflate takes ten times as long as zstd: a millisecond
constexpr int kGzipWindow = 15 + 16;           // 32 KiB, in the format of RFC 1952
constexpr std::size_t kGain = 16;              // less is not worth the receiver's trouble
constexpr std::size_t kKeptScratch = 1 << 20;  // of a thread, between messages

// A zstd block holds at most 128 KiB and takes at least four bytes; deflate makes at most 1,032 bytes of one.
constexpr std::uint64_t kZstdBlock = 128 * 1024;
constexpr std::uint64_t kLeastBlock = 4;
constexpr std::uint64_t kDeflateRatio = 1032;

// What a thread works with, made when it is first needed and used again.
class Tools {
public:
    Tools() = default;
    Tools(const Tools&) = delete;
    Tools& operator=(const Tools&) = delete;
    ~Tools() {
        ZSTD_freeCCtx(compress_);
        ZSTD_freeDCtx(inflate_);
        if (deflating_) deflateEnd(&deflate_);
        if (inflating_) inflateEnd(&gunzip_);
    }

    ZSTD_CCtx& compress() {
        if (compress_ == nullptr) compress_ = ZSTD_createCCtx();
        if (compress_ == nullptr) throw std::bad_alloc();
        return *compress_;
    }
    ZSTD_DCtx* inflate() noexcept {
        if (inflate_ == nullptr) inflate_ = ZSTD_createDCtx();
        return inflate_;
    }
    z_stream& deflate() {
        if (!deflating_) {
            if (deflateInit2(&deflate_, kGzipLevel, Z_DEFLATED, kGzipWindow, 8, Z_DEFAULT_STRATEGY) != Z_OK)
                throw std::bad_alloc();
            deflating_ = true;
        }
        deflateReset(&deflate_);
        return deflate_;
    }
    z_stream* gunzip() noexcept {
        if (!inflating_ && inflateInit2(&gunzip_, kGzipWindow) != Z_OK) return nullptr;
        inflating_ = true;
        inflateReset(&gunzip_);
        return &gunzip_;
    }
    char* scratch(std::size_t size) {
        if (size > capacity_ || capacity_ > std::max(size, kKeptScratch)) {
            scratch_.reset();
            capacity_ = std::max<std::size_t>(size, 4096);
            scratch_ = std::make_unique_for_overwrite<char[]>(capacity_);
        }
        return scratch_.get();
    }

    void trim() noexcept {
        if (capacity_ <= kKeptScratch) return;
        scratch_.reset();
        capacity_ = 0;
    }

private:
    ZSTD_CCtx* compress_ = nullptr;
    ZSTD_DCtx* inflate_ = nullptr;
    z_stream deflate_{};
    z_stream gunzip_{};
    bool deflating_ = false;
    bool inflating_ = false;
    std::unique_ptr<char[]> scratch_;
    std::size_t capacity_ = 0;
};

Tools& tools() {
    thread_local Tools made;
    return made;
}

unsigned char* bytes_of(const char* text) { return reinterpret_cast<unsigned char*>(const_cast<char*>(text)); }

std::uint32_t little_endian(std::string_view four) noexcept {
    std::uint32_t value = 0;
    for (std::size_t i = 4; i-- != 0;) value = value << 8 | static_cast<unsigned char>(four[i]);
    return value;
}

// Does the payload say itself that it inflates to this size, and can it?
bool is_plausible(const MessageView& message) noexcept {
    const std::string_view payload = message.payload;
    if (payload.empty() || message.size == 0) return false;
    if (message.encoding == Encoding::gzip) {
        constexpr std::size_t kEnvelope = 18;  // header and trailer
        return payload.size() > kEnvelope && payload.starts_with("\x1f\x8b\x08") &&
               message.size <= payload.size() * kDeflateRatio &&
               size_said_by(message.encoding, payload) == (message.size & 0xffffffffu);
    }
    const std::uint64_t blocks = (message.size + kZstdBlock - 1) / kZstdBlock;
    return payload.size() >= blocks * kLeastBlock && size_said_by(message.encoding, payload) == message.size;
}

}  // namespace

std::uint64_t size_said_by(Encoding encoding, std::string_view payload) noexcept {
    if (encoding == Encoding::gzip) return payload.size() < 4 ? 0 : little_endian(payload.substr(payload.size() - 4));
    const unsigned long long size = ZSTD_getFrameContentSize(payload.data(), payload.size());
    return size == ZSTD_CONTENTSIZE_UNKNOWN || size == ZSTD_CONTENTSIZE_ERROR ? 0 : size;
}

Encodings Compression::agree(std::uint64_t capabilities, std::string_view dictionary) const noexcept {
    Encodings agreed = 0;
    if ((capabilities & kCapabilityZstd) != 0) {
        agreed |= set_of(Encoding::zstd);
        if (options_.dictionary && dictionary == options_.dictionary->id()) {
            agreed |= set_of(Encoding::zstd_dictionary);
        }
    }
    if ((capabilities & kCapabilityGzip) != 0) agreed |= set_of(Encoding::gzip);
    return agreed;
}

// ---- compressing ----

Encoding Compression::choose(std::size_t size, Encodings encodings) const noexcept {
    if (has(encodings, Encoding::zstd_dictionary) && options_.dictionary && size <= kDictionaryUpTo)
        return size >= options_.dictionary_threshold ? Encoding::zstd_dictionary : Encoding::none;
    if (size < options_.threshold) return Encoding::none;
    if (has(encodings, Encoding::zstd)) return Encoding::zstd;
    return has(encodings, Encoding::gzip) && size <= kGzipUpTo ? Encoding::gzip : Encoding::none;
}

void Compression::trim() noexcept { tools().trim(); }

std::optional<Compression::Packed> Compression::pack(std::string_view payload, Encodings encodings) const {
    const Encoding encoding = choose(payload.size(), encodings);
    if (encoding == Encoding::none || payload.size() <= kGain) return std::nullopt;
    const auto packed = pack_as(encoding, payload);
    if (!packed) return std::nullopt;
    counters_.compressed.fetch_add(1, std::memory_order_relaxed);
    counters_.compressed_from.fetch_add(payload.size(), std::memory_order_relaxed);
    counters_.compressed_to.fetch_add(packed->size(), std::memory_order_relaxed);
    return Packed{encoding, *packed};
}

std::optional<std::string_view> Compression::pack_as(Encoding encoding, std::string_view payload) const {
    // No more room than it may take: what does not shrink enough ends early.
    const std::size_t room = payload.size() - kGain;
    char* const out = tools().scratch(room);
    if (encoding == Encoding::gzip) {
        z_stream& stream = tools().deflate();
        stream.next_in = bytes_of(payload.data());
        stream.avail_in = static_cast<uInt>(payload.size());
        stream.next_out = bytes_of(out);
        stream.avail_out = static_cast<uInt>(room);
        if (deflate(&stream, Z_FINISH) != Z_STREAM_END) return std::nullopt;
        return std::string_view(out, room - stream.avail_out);
    }
    ZSTD_CCtx& context = tools().compress();
    const bool with_dictionary = encoding == Encoding::zstd_dictionary;
    ZSTD_CCtx_reset(&context, ZSTD_reset_session_only);
    ZSTD_CCtx_setParameter(&context, ZSTD_c_compressionLevel, options_.level);
    ZSTD_CCtx_refCDict(&context, with_dictionary ? options_.dictionary->to_compress() : nullptr);
    const std::size_t size = ZSTD_compress2(&context, out, room, payload.data(), payload.size());
    if (ZSTD_isError(size) != 0) return std::nullopt;
    return std::string_view(out, size);
}

// ---- inflating ----

errc Compression::check(const MessageView& message, Encodings encodings, std::uint64_t max_bytes) const noexcept {
    errc code = errc::ok;
    if (!has(encodings, message.encoding)) {
        code = errc::compression_unavailable;
    } else if (message.size > max_bytes) {
        code = errc::message_too_large;
    } else if (!is_plausible(message)) {
        code = errc::bad_compression;
    }
    if (code != errc::ok) counters_.refused.fetch_add(1, std::memory_order_relaxed);
    return code;
}

Result<Bytes> Compression::inflate(const MessageView& message, Encodings encodings, std::uint64_t max_bytes) const {
    if (const errc code = check(message, encodings, max_bytes); code != errc::ok) return make_error_code(code);
    bool whole = false;
    Bytes inflated =
        Bytes::make(static_cast<std::size_t>(message.size), [&](char* out) { whole = inflate_into(out, message); });
    if (!whole) {
        counters_.refused.fetch_add(1, std::memory_order_relaxed);
        return make_error_code(errc::bad_compression);
    }
    counters_.inflated.fetch_add(1, std::memory_order_relaxed);
    counters_.inflated_from.fetch_add(message.payload.size(), std::memory_order_relaxed);
    counters_.inflated_to.fetch_add(inflated.size(), std::memory_order_relaxed);
    return inflated;
}

bool Compression::inflate_into(char* out, const MessageView& message) const noexcept {
    const auto size = static_cast<std::size_t>(message.size);
    if (message.encoding == Encoding::gzip) {
        z_stream* const stream = tools().gunzip();
        if (stream == nullptr) return false;
        stream->next_in = bytes_of(message.payload.data());
        stream->avail_in = static_cast<uInt>(message.payload.size());
        stream->next_out = bytes_of(out);
        stream->avail_out = static_cast<uInt>(size);
        return ::inflate(stream, Z_FINISH) == Z_STREAM_END && stream->avail_in == 0 && stream->avail_out == 0;
    }
    ZSTD_DCtx* const context = tools().inflate();
    if (context == nullptr) return false;
    // In one piece, with room for exactly what was said: no window of its own.
    const bool with_dictionary = message.encoding == Encoding::zstd_dictionary;
    ZSTD_DCtx_reset(context, ZSTD_reset_session_only);
    if (with_dictionary && !options_.dictionary) return false;
    const std::size_t made =
        with_dictionary ? ZSTD_decompress_usingDDict(context, out, size, message.payload.data(), message.payload.size(),
                                                     options_.dictionary->to_inflate())
                        : ZSTD_decompressDCtx(context, out, size, message.payload.data(), message.payload.size());
    return ZSTD_isError(made) == 0 && made == size;
}

Checked<std::shared_ptr<const Compression>> make_compression(bool on, Compression::Options options,
                                                             const std::string& dictionary_file) {
    if (!on && !dictionary_file.empty()) {
        return Failure(errc::invalid_config, "compression_dictionary: compression is off; add compression(true)");
    }
    if (!on) return std::shared_ptr<const Compression>();
    if (!dictionary_file.empty()) {
        auto loaded = Dictionary::load(dictionary_file, options.level, "compression_dictionary");
        if (!loaded) return loaded.error();
        options.dictionary = std::move(*loaded);
    }
    return std::shared_ptr<const Compression>(std::make_shared<Compression>(std::move(options)));
}

CompressionStats Compression::stats() const noexcept {
    const auto of = [](const std::atomic<std::uint64_t>& counter) { return counter.load(std::memory_order_relaxed); };
    return {of(counters_.compressed), of(counters_.compressed_from), of(counters_.compressed_to),
            of(counters_.inflated),   of(counters_.inflated_from),   of(counters_.inflated_to),
            of(counters_.refused)};
}

}  // namespace flare::wire
