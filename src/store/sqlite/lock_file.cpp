#include "store/sqlite/lock_file.hpp"

namespace flare::store::sqlite {
namespace {

Failure held_by(const std::string& holder, const std::string& path) {
    return {errc::store_in_use, "the store is used by " + holder + ", which holds the lock " + path +
                                    "; stop it, or give this process a file of its own"};
}

}  // namespace

Failure lock_held(const base::Descriptor& file, const std::string& path) {
    return held_by(base::holder_of(file), path);
}

Checked<base::Descriptor> take_lock(const std::string& path) {
    auto file = base::take_lock(path, "the lock of the store,");
    if (!file && file.error().code == errc::busy) return held_by(file.error().text, path);
    return file;
}

}  // namespace flare::store::sqlite
