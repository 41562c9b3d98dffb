#!/usr/bin/env bash
# Installs what Flare is built and tested with, by Debian package name. Debian 12 and 13, as root or with sudo.
# Does nothing, quickly, when everything is there.
set -euo pipefail

say() { printf 'setup: %s\n' "$*" >&2; }

. /etc/os-release 2>/dev/null || true
release=${VERSION_ID:-unknown}
if [ "${ID:-}" != debian ] || { [ "$release" != 12 ] && [ "$release" != 13 ]; }; then
    say "this script knows Debian 12 and 13; this is ${PRETTY_NAME:-an unknown system}."
    say "Install the packages named in scripts/setup.sh with your own package manager, then run ./dev."
    exit 1
fi

packages=(
    build-essential cmake ninja-build ccache pkg-config git ca-certificates curl openssl
    libssl-dev libprotozero-dev libspdlog-dev prometheus-cpp-dev
    libprotobuf-dev protobuf-compiler libgtest-dev libgmock-dev
    clang clang-format clang-tidy python3
)
if [ "$release" = 12 ]; then
    packages+=(libboost1.81-dev libboost-json1.81-dev libboost-url1.81-dev libclang-rt-14-dev)
else
    packages+=(libboost-dev libboost-json-dev libboost-url-dev libclang-rt-dev)
fi
# Node is there already on many machines, under another package name: any that answers will do.
command -v node >/dev/null && command -v npm >/dev/null || packages+=(nodejs npm)

missing=()
for package in "${packages[@]}"; do
    dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
done
if [ ${#missing[@]} -eq 0 ]; then
    exit 0
fi

as_root=()
if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || { say "run it as root, or install sudo; missing: ${missing[*]}"; exit 1; }
    as_root=(sudo)
fi
say "installing ${missing[*]}"
export DEBIAN_FRONTEND=noninteractive
"${as_root[@]}" apt-get update -qq || { sleep 5; "${as_root[@]}" apt-get update -qq; }
"${as_root[@]}" apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
say "done"
