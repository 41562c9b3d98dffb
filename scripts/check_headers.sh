#!/usr/bin/env bash
# Every public header compiles alone.
set -uo pipefail
cd "$(dirname "$0")/.."
failed=0
for header in include/flare/*.hpp; do
    g++ -std=c++20 -fsyntax-only -Wall -Wextra -Iinclude -include "$header" -x c++ /dev/null ||
        { echo "not alone: $header"; failed=1; }
done
[ $failed -eq 0 ] && echo "headers: each compiles alone"
exit $failed
