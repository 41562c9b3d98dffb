#!/usr/bin/env bash
# Installs a build into a folder of its own, then builds and runs programs that know only that folder: with find_package
# and with pkg-config, shared and static, with one side of Flare and with both.
#     tests/package/run.sh BUILD_FOLDER COMPILER_FLAGS
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
flags=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
fail() { echo "package: $*"; exit 1; }

for component in core client server development; do
    cmake --install "$1" --prefix "$work/installed" --component $component >/dev/null
done
libraries=$(dirname "$(find "$work/installed" -name libflare-core.so)")
mv "$work/installed" "$work/moved"  # it does not remember where it was put
libraries=${libraries/installed/moved}
export LD_LIBRARY_PATH=$libraries

needs() { readelf -d "$1" | sed -n 's/.*NEEDED.*\[\(.*\)\]/\1/p'; }
loads() { ldd "$1" | awk '{ print $1 }'; }  # and all that these need
# How a program is linked, and that it has nothing of the other side.
check_linked() {  # shared|static, program
    if needs "$2" | grep -q '^libflare-.*\.so\.0\.1$'; then linked=shared; else linked=static; fi
    [ "$linked" = "$1" ] || fail "$2 is linked $linked"
    # Names that Flare's libraries have for each other: the next patch may change them.
    ! readelf -VW "$2" | grep -q FLARE_PRIVATE || fail "$2 is bound to names that are Flare's own"
    case ${2##*/} in
        client_only) ! loads "$2" | grep -E 'prometheus|utf8proc|flare-server' || fail "$2 loads what only servers need" ;;
        server_only) ! loads "$2" | grep flare-client || fail "$2 loads the client" ;;
    esac
}
try() {  # how it was linked, folder of the programs
    local program
    for program in client_only server_only consumer own_loop one_of_each; do
        [ -x "$2/$program" ] || continue
        check_linked "${1##* }" "$2/$program"
        echo "$1:"
        timeout 60 "$2/$program" 2>"$work/stderr" || { cat "$work/stderr"; fail "$1: $program failed, or did not end"; }
    done
    [ ! -x "$2/one_of_each" ] || one_log || { cat "$work/stderr"; fail "$1: the client's log is not the server's"; }
}
one_log() { grep -q '^{.*this address is not used' "$work/stderr"; }  # what one_of_each had to say, as JSON
configure() {  # shared|static|client-static, cmake arguments
    cmake -S "$here" -B "$work/$1" -G Ninja -DCMAKE_PREFIX_PATH="$work/moved" -DCMAKE_CXX_FLAGS="$flags" -DLINK="$1" --no-warn-unused-cli "${@:2}"
}

configure shared >/dev/null
configure static >/dev/null
configure client-static -DCMAKE_DISABLE_FIND_PACKAGE_prometheus-cpp=ON >/dev/null
for link in shared static client-static; do
    cmake --build "$work/$link" >"$work/log" || { cat "$work/log"; fail "find_package, $link"; }
done
try "find_package, shared" "$work/shared"
try "find_package, static" "$work/static"
try "find_package, the client alone, static" "$work/client-static"

export PKG_CONFIG_PATH=$libraries/pkgconfig
for program in client_only server_only consumer own_loop one_of_each; do
    # shellcheck disable=SC2046,SC2086
    g++ $flags $(pkg-config --cflags flare-core) -c "$here/$program.cpp" -o "$work/$program.o"
done
with_pkg_config() {  # folder, programs, pkg-config arguments
    local program link
    link=$(pkg-config --libs "${@:3}")
    # What --static names goes behind the archives, which the linker would not take while there are shared ones.
    [ "$3" != --static ] || link=$(sed 's/-lflare-\([a-z]*\)/-l:libflare-\1.a/g' <<<"$link")
    mkdir -p "$work/$1"
    for program in $2; do
        # shellcheck disable=SC2086
        g++ $flags "$work/$program.o" -o "$work/$1/$program" $link
    done
}
both="consumer own_loop one_of_each"
with_pkg_config pc client_only flare-client
with_pkg_config pc server_only flare-server
with_pkg_config pc "$both" flare
try "pkg-config, shared" "$work/pc"
with_pkg_config pc-static client_only --static flare-client
with_pkg_config pc-static server_only --static flare-server
with_pkg_config pc-static "$both" --static flare
try "pkg-config --static, static" "$work/pc-static"
with_pkg_config pc-archive client_only flare-client-static
with_pkg_config pc-archive "$both" flare-static
try "pkg-config flare-static, static" "$work/pc-archive"

# The test of one log can fail: here the client's core is another than the server's.
# shellcheck disable=SC2046,SC2086
g++ $flags "$work/one_of_each.o" -o "$work/two" -Wl,--exclude-libs,ALL $(pkg-config --libs flare-client-static flare-server)
"$work/two" 2>"$work/stderr" || true
! one_log || fail "a program with two copies of flare-core was not noticed"
echo "two copies of flare-core: noticed"
