#!/usr/bin/env bash
# Installs what Flare is built and tested with, by Debian package name. Debian 12 and 13, as root or with sudo.
# Does nothing, quickly, when everything is there.
#     setup.sh [--build | --tests | --peers | --backends | --deployment]
#   --build   what building takes, without the tools that only tests and developers use: for the demo, several times quicker
#   --tests   also what tests run, without what only developers use (clang, valgrind, doxygen and lld: most of the download)
#   --peers   also the systems that ./dev lab compare, ./dev bench peer and ./dev bench api put beside Flare (mosquitto,
#             nats-server, ejabberd, Node packages; Debian starts the first two as services)
#   --backends    also the languages of examples/backends that are not there: PHP and Go
#   --deployment  also what checks the files of packaging/: mmdebstrap, buildah, docker-compose, Kubernetes' client
set -euo pipefail
cd "$(dirname "$0")/.."

say() { printf 'setup: %s\n' "$*" >&2; }

. /etc/os-release 2>/dev/null || true
release=${VERSION_ID:-unknown}
if [ "${ID:-}" != debian ] || { [ "$release" != 12 ] && [ "$release" != 13 ]; }; then
    say "this script knows Debian 12 and 13; this is ${PRETTY_NAME:-an unknown system}."
    say "Install the packages named in scripts/setup.sh with your own package manager, then run ./dev."
    exit 1
fi

packages=(
    build-essential cmake ninja-build ccache pkg-config git ca-certificates curl openssl python3 file
    libssl-dev libgnutls28-dev libzstd-dev zlib1g-dev libsqlite3-dev libutf8proc-dev libprotozero-dev libspdlog-dev
    prometheus-cpp-dev
    libcli11-dev libtomlplusplus-dev libprotobuf-dev protobuf-compiler libgtest-dev libgmock-dev libbenchmark-dev
)
tests=(iproute2 nftables groff-base python3-pyte python3-jsonschema python3-yaml zsh fish)
developers=(valgrind clang clang-format clang-tidy lld doxygen universal-ctags)
if [ "$release" = 12 ]; then
    packages+=(libboost1.81-dev libboost-json1.81-dev libboost-url1.81-dev)
    developers+=(libclang-rt-14-dev)
else
    packages+=(libboost-dev libboost-json-dev libboost-url-dev)
    developers+=(libclang-rt-dev)
fi
# Node is there already on many machines, under another package name: any that answers will do.
command -v node >/dev/null && command -v npm >/dev/null || tests+=(nodejs npm)
case ${1:-} in
    --build) ;;
    --tests) packages+=("${tests[@]}") ;;
    --peers) packages+=("${tests[@]}" "${developers[@]}" mosquitto nats-server ejabberd) ;;
    --deployment) packages+=("${tests[@]}" mmdebstrap buildah docker-compose python3-kubernetes) ;;
    --backends) packages+=("${tests[@]}" php-cli golang-go) ;;
    "") packages+=("${tests[@]}" "${developers[@]}") ;;
    *) sed -n 4,10p "$0" >&2; exit 2 ;;
esac

missing=()
for package in "${packages[@]}"; do
    dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
done
# QUIC wants ngtcp2 1.11, which Debian 12 has in its backports only; tests also want its client.
quic_packages=(libngtcp2-dev libngtcp2-crypto-gnutls-dev)
[ "${1:-}" = --build ] || quic_packages+=(ngtcp2-client)
quic_missing=true
if command -v pkg-config >/dev/null && pkg-config --atleast-version=1.11 libngtcp2 libngtcp2_crypto_gnutls &&
    { [ "${1:-}" = --build ] || command -v gtlsclient >/dev/null; }; then
    quic_missing=false
fi
node_packages() {
    [ "${1:-}" = --peers ] || return 0
    for folder in tests/lab/peers bench/peers; do (cd "$folder" && npm ci --silent --no-audit --no-fund); done
}
if [ ${#missing[@]} -eq 0 ] && ! $quic_missing; then
    node_packages "$@"
    exit 0
fi

as_root=()
if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || { say "run it as root, or install sudo; missing: ${missing[*]}"; exit 1; }
    as_root=(sudo)
fi
say "installing ${missing[*]} ${quic_packages[*]}"
export DEBIAN_FRONTEND=noninteractive

# Adds the backports of the very source that the machine has already.
add_backports() {
    local stanza line file=/etc/apt/sources.list.d/flare-backports
    grep -rqs 'bookworm-backports' /etc/apt/sources.list /etc/apt/sources.list.d/*.list /etc/apt/sources.list.d/*.sources && return
    for source in /etc/apt/sources.list.d/*.sources; do
        [ -f "$source" ] || continue
        stanza=$(awk 'BEGIN { RS = "" } /(^|\n)Suites:[^\n]*bookworm( |\n|$)/ { print; exit }' "$source")
        [ -n "$stanza" ] || continue
        sed -E '/^#/d; s/^Suites:.*/Suites: bookworm-backports/' <<<"$stanza" | "${as_root[@]}" tee "$file.sources" >/dev/null
        return
    done
    line=$(grep -hsE '^deb .* bookworm ' /etc/apt/sources.list /etc/apt/sources.list.d/*.list | head -n 1 || true)  # grep minds a missing file
    [ -n "$line" ] || { say "no source of Debian 12 found under /etc/apt to take the backports from"; exit 1; }
    sed 's/ bookworm / bookworm-backports /' <<<"$line" | "${as_root[@]}" tee "$file.list" >/dev/null
}
update() { "${as_root[@]}" apt-get update -qq || { sleep 5; "${as_root[@]}" apt-get update -qq; }; }
install() { "${as_root[@]}" apt-get install -y -qq --no-install-recommends "$@" >/dev/null; }

from=()
if [ "$release" = 12 ] && $quic_missing; then
    add_backports
    from=(-t bookworm-backports)
fi
update
[ ${#missing[@]} -eq 0 ] || install "${missing[@]}"
# Debian starts it at once and at each boot, on every address; the benchmark starts its own.
case " ${missing[*]} " in
    *" ejabberd "*)
        "${as_root[@]}" service ejabberd stop >/dev/null 2>&1 || true
        "${as_root[@]}" update-rc.d ejabberd disable >/dev/null 2>&1 || true
        ;;
esac
if $quic_missing; then install "${from[@]}" "${quic_packages[@]}"; fi
node_packages "$@"
say "done"
