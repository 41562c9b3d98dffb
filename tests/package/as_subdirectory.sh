#!/usr/bin/env bash
# Flare as a part of another build (add_subdirectory, FetchContent): each of its names links what it says, and nothing of
# it is installed with the program. Looks at what would be built, and builds nothing.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cat >"$work/CMakeLists.txt" <<END
cmake_minimum_required(VERSION 3.25)
project(app LANGUAGES CXX)
add_subdirectory($here/../.. flare)
foreach(name client server flare client-static server-static static)
    add_executable(with_\${name} $here/client_only.cpp)
    target_link_libraries(with_\${name} PRIVATE flare::\${name})
endforeach()
END
cmake -S "$work" -B "$work/build" -G Ninja >"$work/log" 2>&1 || { cat "$work/log"; exit 1; }
wrong=0
expect() {  # target, libraries
    local linked
    linked=$(ninja -C "$work/build" -t query "with_$1" | grep -oE 'libflare[-_a-z]*\.(so|a)' | sort -u | tr '\n' ' ')
    [ "$linked" = "${*:2} " ] || { echo "flare::$1 links $linked, and not ${*:2}"; wrong=1; }
}
expect client libflare-client.so libflare-core.so
expect server libflare-core.so libflare-server.so
expect flare libflare-client.so libflare-core.so libflare-server.so
expect client-static libflare-client.a libflare-core.a
expect server-static libflare-core.a libflare-server.a
expect static libflare-client.a libflare-core.a libflare-server.a
[ ! -e "$work/build/flare/cmake_install.cmake" ] || ! grep -q 'libflare\|include/flare' "$work/build/flare/cmake_install.cmake" ||
    { echo "it would be installed with the program"; wrong=1; }
[ $wrong -eq 0 ] && echo "as a part of another build: each name links what it says"
