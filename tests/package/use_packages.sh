#!/usr/bin/env bash
# Installs Flare's Debian packages into a bare Debian, builds programs there against libflare-dev, runs them and the tool,
# and removes the packages again: those for servers first, without which a client still runs. Needs root and debootstrap.
#     tests/package/use_packages.sh 12|13 FOLDER_OF_DEBS [--keep FOLDER]
#   --keep    the system is made in FOLDER and stays
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
. "$here/bare_system.sh"
[ $# -ge 2 ] || { sed -n 2,5p "$0" >&2; exit 2; }
release=$1 debs=$2
suite=$(bare_suite "$release")
work=$(mktemp -d "${TMPDIR:-/var/tmp}/flare-packages.XXXXXX")
trap 'bare_end; rm -rf --one-file-system "$work"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
root=$work/system
[ "${3:-}" != --keep ] || root=$4

fail() { echo "packages: $*"; exit 1; }
quietly() { bare_run "$root" "$1" >"$work/log" 2>&1 || { cat "$work/log"; fail "$1"; }; }

"$here/check_packages.sh" "$debs"
[ -x "$root/usr/bin/apt-get" ] || bare_make "$release" "$root"
if [ "$release" = 12 ]; then  # ngtcp2 comes from there
    sed -n "s/ $suite / $suite-backports /p" "$root/etc/apt/sources.list" >"$root/etc/apt/sources.list.d/backports.list"
fi
mkdir -p "$root/root/debs" "$root/root/consumer"
cp "$debs"/*.deb "$root/root/debs/"
cp "$here"/CMakeLists.txt "$here"/*.cpp "$root/root/consumer/"

quietly 'apt-get update -qq'
quietly 'apt-get install -y -qq --no-install-recommends ./debs/libflare-core0.1_*.deb ./debs/libflare-client0.1_*.deb'
brought=$(bare_run "$root" "dpkg-query -W -f '\${Package}\n'" | grep -E 'prometheus|flare-server|flare-tools' || true)
[ -z "$brought" ] || fail "a client brings what only servers need: $brought"
quietly 'apt-get install -y -qq --no-install-recommends ./debs/flare-tools_*.deb ./debs/libflare-server0.1_*.deb'
echo "packages: $(bare_run "$root" 'flare version') is installed"
for file in /etc/flare/server.toml /usr/lib/systemd/system/flare-server.service /usr/share/man/man1/flare.1.gz \
    /usr/share/bash-completion/completions/flare; do
    [ -s "$root$file" ] || fail "flare-tools has no $file"
done

# A program against the library: the compiler, and what libflare-dev asks for, which is Boost's headers.
quietly 'apt-get install -y -qq --no-install-recommends g++ make cmake pkg-config ./debs/libflare-dev_*.deb'
others=$(bare_run "$root" "dpkg-query -W -f '\${db:Status-Abbrev} \${Package}\n' '*-dev'" | sed -n 's/^ii *//p' |
    grep -vE '^(libflare-dev|dpkg-dev|libboost1\.[0-9]+-dev|libc6-dev|libstdc\+\+-[0-9]+-dev|libgcc-[0-9]+-dev|linux-libc-dev|libcrypt-dev|libnsl-dev|libtirpc-dev)$' || true)
[ -z "$others" ] || fail "libflare-dev brings more than Boost: $others"
quietly 'cmake -S consumer -B build -DLINK=shared && cmake --build build'
for program in client_only server_only consumer own_loop one_of_each; do
    bare_run "$root" "timeout 60 build/$program" || fail "$program, by find_package"
done
quietly 'g++ $(pkg-config --cflags flare) consumer/consumer.cpp -o hello $(pkg-config --libs flare)'
bare_run "$root" 'timeout 60 ./hello' || fail "hello, by pkg-config"
if bare_run "$root" 'cmake -S consumer -B static -DLINK=static' >"$work/log" 2>&1; then
    fail "find_package found what flare::static needs, which is not there"
fi

quietly 'apt-get purge -y -qq --auto-remove flare-tools libflare-dev libflare-server0.1'
bare_run "$root" 'timeout 60 build/client_only' || fail "client_only, without what only servers need"
quietly 'apt-get purge -y -qq libflare-client0.1 libflare-core0.1'
left=$(bare_run "$root" "find / -xdev -path /proc -prune -o -path /root -prune -o \( -name '*flare*' -print \)")
[ -z "$left" ] || fail "left behind: $left"
echo "packages: used and removed on Debian $release"
