#!/usr/bin/env bash
# Every public header compiles alone.
set -uo pipefail
cd "$(dirname "$0")/.."
alone() {
    g++ -std=c++20 -fsyntax-only -Wall -Wextra -Iinclude -include "$1" -x c++ /dev/null || { echo "not alone: $1"; return 1; }
}
export -f alone
printf '%s\n' include/flare/*.hpp | xargs -P "$(nproc)" -I{} bash -c 'alone {}' || exit 1
echo "headers: each compiles alone"
