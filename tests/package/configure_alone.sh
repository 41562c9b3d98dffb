#!/usr/bin/env bash
# The libraries alone want nothing that only tests and tools use; with these it would notice.
set -euo pipefail
source=$(cd "$(dirname "$0")/../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
without=()
for package in CLI11 GTest Protobuf benchmark tomlplusplus; do without+=("-DCMAKE_DISABLE_FIND_PACKAGE_$package=ON"); done
cmake -S "$source" -B "$work/build" -G Ninja "${without[@]}" \
    -DFLARE_BUILD_TESTS=OFF -DFLARE_BUILD_APPS=OFF -DFLARE_BUILD_EXAMPLES=OFF >"$work/log" 2>&1 || { cat "$work/log"; exit 1; }
if cmake -S "$source" -B "$work/tests" -G Ninja "${without[@]}" -DFLARE_BUILD_TESTS=ON >"$work/log" 2>&1; then
    echo "configuring the tests did not miss what they need: this test cannot fail"
    exit 1
fi
echo "configured without CLI11, GTest, Protobuf, Benchmark and toml++"
