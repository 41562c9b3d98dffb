// An error code with a text of its own, for errors whose code alone does not name the field, file or address.
#pragma once

#include <flare/error.hpp>
#include <flare/export.hpp>

#include <string>
#include <utility>

namespace flare {

struct Failure {
    Failure() = default;
    Failure(errc code_) : code(code_), text(explain(code_)) {}  // NOLINT(google-explicit-constructor)
    Failure(errc code_, std::string text_) : code(code_), text(std::move(text_)) {}

    errc code = errc::internal;
    std::string text;  // what is wrong and what to do
};

// A value, or a Failure. `result.error().text` is for people, `result.error().code` for programs.
template <typename T = void>
using Checked = boost::system::result<T, Failure>;

// What Checked<T>::value() throws when there is none; found by argument-dependent lookup.
[[noreturn]] FLARE_EXPORT void throw_exception_from_error(const Failure& failure, const boost::source_location& where);

}  // namespace flare
