// A handle that owns an object of a C library and frees it with that library's function.
#pragma once

#include <memory>

namespace flare::base {

template <auto Free>
struct Freer {
    template <typename T>
    void operator()(T* made) const noexcept {
        (void)Free(made);
    }
};

// Owned<BIO, BIO_free> bio(BIO_new(BIO_s_mem()));
template <typename T, auto Free>
using Owned = std::unique_ptr<T, Freer<Free>>;

}  // namespace flare::base
