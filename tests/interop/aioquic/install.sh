#!/usr/bin/env bash
# Puts aioquic, a QUIC implementation in Python that shares no code with ours, into a folder of its own, with all that it
# needs: it is not in Debian 12, and the packages of the next release must not touch this system.
#     install.sh FOLDER        as root; says in one line why it cannot be had, and ends with 77
set -uo pipefail
folder=$1
cannot() { echo "aioquic cannot be had: $*" >&2; exit 77; }

[ -e "$folder/ready" ] && exit 0
[ "$(id -u)" -eq 0 ] || cannot "only root can change the root folder"
source=$(grep -lsE '^Suites:.*bookworm( |$)' /etc/apt/sources.list.d/*.sources | head -n 1)
[ -n "$source" ] || cannot "no source of Debian 12 under /etc/apt/sources.list.d"
rm -rf "$folder"
mkdir -p "$folder"/apt/{sources,lists/partial,archives/partial} "$folder/root"
touch "$folder/apt/status"
awk 'BEGIN { RS = "" } /(^|\n)Suites:[^\n]*bookworm( |\n|$)/ { print; exit }' "$source" |
    sed -E '/^#/d; s/^Suites:.*/Suites: trixie/' >"$folder/apt/sources/next.sources"
here=$(cd "$folder" && pwd)
apt=(apt-get -qq -o "Dir::Etc::SourceParts=$here/apt/sources" -o Dir::Etc::SourceList=/dev/null -o "Dir::State=$here/apt"
    -o "Dir::State::status=$here/apt/status" -o "Dir::Cache=$here/apt" -o APT::Sandbox::User=root)
"${apt[@]}" update >/dev/null 2>&1 || cannot "apt-get update of the next release failed"
"${apt[@]}" install --download-only -y --no-install-recommends python3-aioquic base-files >/dev/null 2>&1 ||
    cannot "the packages cannot be downloaded"
for package in "$here"/apt/archives/*.deb; do dpkg -x "$package" "$here/root" || cannot "$package cannot be unpacked"; done
# The next release has its folders merged into /usr; unpacked packages lack the links.
for name in bin lib lib64 sbin; do [ -e "$here/root/$name" ] || ln -s "usr/$name" "$here/root/$name"; done
mkdir -p "$here/root"/{dev,tmp,work}
mknod "$here/root/dev/urandom" c 1 9 2>/dev/null
mknod "$here/root/dev/null" c 1 3 2>/dev/null
chroot "$here/root" /usr/bin/python3.13 -c 'import aioquic' 2>/dev/null || cannot "what was unpacked does not run"
touch "$here/ready"
