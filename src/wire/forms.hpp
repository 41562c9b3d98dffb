// One message in the forms that its recipients accept: as received, decompressed, or recompressed. Each form is made on
// demand, and once, however many recipients there are.
//
// Protocol: docs/compression.md, "On the server".
// Threads:  one at a time; it may move between threads.
// Owner:    whoever sends the message, until it is in the queues.
#pragma once

#include "wire/compression.hpp"

#include <memory>

namespace flare::wire {

class Forms {
public:
    // Goes as it is to everybody.
    explicit Forms(Body original) : original_(std::move(original)), size_(original_.cost) {}
    // `message` is what `original`, an encoded Data, holds; if it is compressed, Compression::check() has accepted it.
    // `compression` null: as above. `judged`: a payload that is
    // not compressed was left so on purpose, by a sender that could have.
    Forms(Body original, const MessageView& message, const Compression* compression, bool judged);

    const Body& original() const noexcept { return original_; }
    Encoding encoding() const noexcept { return encoding_; }

    // The form for a peer that takes `encodings`. Null: what would have to be inflated is damaged. Compresses and
    // inflates at most kAtOnceBytes: what is larger goes as it is, or inflated, unless prepare() has made more of it.
    const Body* fit(Encodings encodings) {
        const bool as_it_is = encoding_ == Encoding::none ? !improvable_ || encodings == 0 : has(encodings, encoding_);
        return as_it_is ? &original_ : make_fit(encodings);
    }
    // fit() would have to inflate more than that first: inflate() does, on a thread that has the time.
    bool is_work(Encodings encodings) const noexcept {
        return encoding_ != Encoding::none && size_ > kAtOnceBytes && !made_ && !has(encodings, encoding_);
    }

    // The payload, inflated. Null: it is damaged.
    const Bytes* inflate();
    std::uint64_t size() const noexcept { return size_; }  // of the payload, inflated
    // Compresses for peers that take `encodings`, whatever the size.
    void prepare(Encodings encodings);
    // The same for each of them, as peers may take one and not the other.
    void prepare_each(Encodings encodings);
    // From here on fit() makes nothing more, so several threads may call it: who cannot read what has been made gets
    // the original. Precondition: the original is not compressed.
    void freeze() noexcept { frozen_ = true; }
    // For one of the threads that use a frozen one: the same forms, in memory of its own if they are small. What is
    // shared by threads has its references counted in one cache line, which they would take from each other with every
    // recipient.
    Forms for_thread() const;

private:
    struct Made {
        Bytes payload;  // inflated
        bool damaged = false;
        bool tried[4] = {};  // by Encoding: the form is there, or does not shrink
        Body forms[4];       // empty: not made
    };
    Forms() = default;
    const Body* make_fit(Encodings encodings);
    Made& made();
    const Body& plain();
    void make(Encoding encoding);

    Body original_;
    std::uint64_t size_ = 0;
    const Compression* compression_ = nullptr;
    Encoding encoding_ = Encoding::none;
    bool improvable_ = false;  // a plain payload that may be compressed
    bool frozen_ = false;
    std::unique_ptr<Made> made_;
};

}  // namespace flare::wire
