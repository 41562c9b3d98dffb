#!/usr/bin/env bash
# Installs a build into a folder of its own, then builds and runs programs that know only that folder: with find_package
# and with pkg-config, shared and static.
#     tests/package/run.sh BUILD_FOLDER COMPILER_FLAGS
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
flags=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
fail() { echo "package: $*"; exit 1; }

cmake --install "$1" --prefix "$work/installed" --component library >/dev/null
cmake --install "$1" --prefix "$work/installed" --component development >/dev/null
libraries=$(dirname "$(find "$work/installed" -name libflare.so)")
mv "$work/installed" "$work/moved"  # it does not remember where it was put
libraries=${libraries/installed/moved}
export LD_LIBRARY_PATH=$libraries

needs_the_shared_one() { readelf -d "$1" | grep -q 'NEEDED.*\[libflare\.so\.0\.1\]'; }
try() {  # how it was linked, folder of the programs
    for program in consumer own_loop; do
        if needs_the_shared_one "$2/$program"; then linked=shared; else linked=static; fi
        [ "$linked" = "${1##* }" ] || fail "$1: $program is linked $linked"
        echo "$1:"
        timeout 60 "$2/$program" || fail "$1: $program failed, or did not end"
    done
}

for link in flare static; do
    cmake -S "$here" -B "$work/$link" -G Ninja -DCMAKE_PREFIX_PATH="$work/moved" -DCMAKE_CXX_FLAGS="$flags" -DLINK=$link >/dev/null
    cmake --build "$work/$link" >"$work/log" || { cat "$work/log"; fail "find_package, $link"; }
done
try "find_package, shared" "$work/flare"
try "find_package, static" "$work/static"

export PKG_CONFIG_PATH=$libraries/pkgconfig
for program in consumer own_loop; do
    # shellcheck disable=SC2046,SC2086
    g++ $flags $(pkg-config --cflags flare) -c "$here/$program.cpp" -o "$work/$program.o"
done
with_pkg_config() {  # folder, pkg-config arguments
    local program link
    link=$(pkg-config --libs "${@:2}")
    # What --static names goes behind the archive, which the linker would not take while there is a shared one.
    [ "$2" != --static ] || link=${link/-lflare/-l:libflare.a}
    mkdir "$work/$1"
    for program in consumer own_loop; do
        # shellcheck disable=SC2086
        g++ $flags "$work/$program.o" -o "$work/$1/$program" $link
    done
}
with_pkg_config pc flare
try "pkg-config, shared" "$work/pc"
with_pkg_config pc-static --static flare
try "pkg-config --static, static" "$work/pc-static"
with_pkg_config pc-archive flare-static
try "pkg-config flare-static, static" "$work/pc-archive"
