#include "wire/forms.hpp"

#include <limits>

namespace flare::wire {
namespace {

constexpr Encodings kAll = set_of(Encoding::zstd) | set_of(Encoding::gzip) | set_of(Encoding::zstd_dictionary);
constexpr std::size_t index(Encoding encoding) noexcept { return static_cast<std::size_t>(encoding); }

// `original` with another payload. All of its Data but the message stays.
Body replaced(const Body& original, std::string_view payload, Encoding encoding, std::uint64_t size) {
    auto data = decode_data(original.content());
    if (!data) return original;  // it was made here
    const std::string message = with_payload(data->message_raw, payload, encoding, size);
    data->message_raw = message;
    data->message.reset();
    Body body = encode(*data);
    body.cost = payload.size();
    return body;
}

// Copying more costs more than sharing it.
constexpr std::size_t kOwnUpTo = 16 * 1024;
Body own(const Body& shared) {
    Body body = shared;
    if (body.bytes.size() <= kOwnUpTo) body.bytes = Bytes(body.bytes.view());
    return body;
}

}  // namespace

Forms::Forms(Body original, const MessageView& message, const Compression* compression, bool judged)
    : original_(std::move(original)),
      size_(message.encoding == Encoding::none ? message.payload.size() : message.size),
      compression_(compression),
      encoding_(message.encoding) {
    if (compression_ == nullptr) return;
    improvable_ =
        encoding_ == Encoding::none && !judged && compression_->choose(message.payload.size(), kAll) != Encoding::none;
}

Forms::Made& Forms::made() {
    if (made_) return *made_;
    made_ = std::make_unique<Made>();
    const auto data = decode_data(original_.content());
    if (!data || !data->message || compression_ == nullptr) {
        made_->damaged = true;
    } else if (encoding_ == Encoding::none) {
        made_->payload = original_.bytes.share(data->message->payload);
    } else if (auto payload = compression_->inflate(*data->message, kAll, std::numeric_limits<std::uint64_t>::max())) {
        made_->payload = std::move(*payload);
    } else {
        made_->damaged = true;
    }
    return *made_;
}

Forms Forms::for_thread() const {
    Forms forms;
    forms.original_ = own(original_);
    forms.size_ = size_;
    forms.compression_ = compression_;
    forms.encoding_ = encoding_;
    forms.improvable_ = improvable_;
    forms.frozen_ = frozen_;
    if (made_) {
        forms.made_ = std::make_unique<Made>(*made_);
        for (Body& form : forms.made_->forms) form = own(form);
    }
    return forms;
}

const Bytes* Forms::inflate() { return made().damaged ? nullptr : &made_->payload; }

const Body& Forms::plain() {
    if (encoding_ == Encoding::none) return original_;
    Body& form = made_->forms[index(Encoding::none)];
    if (form.bytes.empty()) form = replaced(original_, made_->payload.view(), Encoding::none, 0);
    return form;
}

void Forms::make(Encoding encoding) {
    bool& tried = made_->tried[index(encoding)];
    if (tried) return;
    tried = true;
    if (const auto packed = compression_->pack(made_->payload.view(), set_of(encoding))) {
        made_->forms[index(encoding)] = replaced(original_, packed->bytes, packed->encoding, made_->payload.size());
    }
}

const Body* Forms::make_fit(Encodings encodings) {
    const Encoding wanted =
        compression_ == nullptr ? Encoding::none : compression_->choose(static_cast<std::size_t>(size_), encodings);
    if (encoding_ == Encoding::none && (wanted == Encoding::none || ((size_ > kAtOnceBytes || frozen_) && !made_)))
        return &original_;
    if (frozen_) {
        const Body& form = made_->forms[index(wanted)];
        return form.bytes.empty() ? &original_ : &form;
    }
    if (inflate() == nullptr) return nullptr;
    if (wanted == Encoding::none) return &plain();
    if (size_ <= kAtOnceBytes) make(wanted);
    const Body& form = made_->forms[index(wanted)];
    return form.bytes.empty() ? &plain() : &form;
}

void Forms::prepare_each(Encodings encodings) {
    for (const Encoding each : {Encoding::zstd, Encoding::gzip, Encoding::zstd_dictionary}) {
        if (has(encodings, each)) prepare(set_of(each));
    }
}

void Forms::prepare(Encodings encodings) {
    if (!improvable_) return;
    const Encoding wanted = compression_->choose(static_cast<std::size_t>(size_), encodings);
    if (wanted != Encoding::none && inflate() != nullptr) make(wanted);
}

}  // namespace flare::wire
