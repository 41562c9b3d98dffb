#!/usr/bin/env bash
# Builds the Debian packages libflare-core0.1, libflare-client0.1, libflare-server0.1, libflare-dev and flare-tools for the
# release of Debian that this runs on, into build/package. Their names are the last lines printed.
#     scripts/package.sh [cmake arguments]
# The maintainer that they name is who builds them: DEBFULLNAME and DEBEMAIL.
set -euo pipefail
cd "$(dirname "$0")/.."
export CCACHE_SLOPPINESS=time_macros CCACHE_BASEDIR=$PWD CCACHE_NOHASHDIR=1  # one cache for all checkouts
scripts/setup.sh --build
rm -f build/package/*.deb
cmake --preset package "$@" >/dev/null
# Minutes pass: every half a minute a line of how far it is, to standard error.
say_progress() {
    while sleep 30; do
        echo "building: $(tail -n 1 build/package/build.log | cut -c 1-100)" >&2
    done
}
echo "building, which takes minutes; the log is build/package/build.log" >&2
say_progress &
progress=$!
trap 'kill "$progress" 2>/dev/null || true' EXIT
if ! cmake --build build/package -j "$(nproc)" >build/package/build.log 2>&1; then
    cat build/package/build.log
    echo "the build failed"
    exit 1
fi
kill "$progress" 2>/dev/null || true
echo "making the packages; the log is build/package/cpack.log" >&2
(cd build/package && cpack -B . >cpack.log 2>&1) || { cat build/package/cpack.log; exit 1; }
tests/package/check_packages.sh build/package
ls build/package/*.deb
