#!/usr/bin/env bash
# Flare beside other systems, on this machine, in turn; writes docs/performance.md.
#     bench/compare.sh [--rounds N] [--seconds S]
set -euo pipefail
cd "$(dirname "$0")/.."
scripts/setup.sh --peers
[ -f certs/server.crt ] || scripts/generate_certs.sh >/dev/null
cmake --preset release >/dev/null
cmake --build build/release --target flare_bench >/dev/null
exec python3 bench/compare.py "$@"
