#include <flare/failure.hpp>

#include <boost/system/system_error.hpp>

namespace flare {

void throw_exception_from_error(const Failure& failure, const boost::source_location&) {
    throw boost::system::system_error(make_error_code(failure.code), failure.text);
}

}  // namespace flare
