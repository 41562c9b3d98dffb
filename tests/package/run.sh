#!/usr/bin/env bash
# Installs a build into a folder of its own, then builds and runs a project that knows only that folder.
#     tests/package/run.sh BUILD_FOLDER COMPILER_FLAGS
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
prefix=$(mktemp -d)
trap 'rm -rf "$prefix"' EXIT
cmake --install "$1" --prefix "$prefix/installed" >/dev/null
cmake -S "$here" -B "$prefix/build" -G Ninja -DCMAKE_PREFIX_PATH="$prefix/installed" -DCMAKE_CXX_FLAGS="$2" >/dev/null
cmake --build "$prefix/build"
"$prefix/build/consumer"
