#!/bin/sh
# Puts the program `flare` and all that it needs at run time into a folder, as an image has it.
#     collect.sh FOLDER
set -eu
to=$1
put() {  # a file, with the links that lead to it
    mkdir -p "$to$(dirname "$1")"
    cp -a "$1" "$to$1"
    [ ! -L "$1" ] || put "$(cd "$(dirname "$1")" && realpath --no-symlinks "$(readlink "$1")")"
}
put /usr/bin/flare
ldd /usr/bin/flare | grep -o '/[^ ]*' | sort -u | while read -r library; do put "$library"; done
strip --strip-unneeded "$to/usr/bin/flare" 2>/dev/null || true
put /etc/ssl/certs/ca-certificates.crt
mkdir -p "$to/etc/flare" "$to/var/lib/flare" "$to/tmp"
chmod 1777 "$to/tmp"
echo 'flare:x:65532:65532:Flare:/var/lib/flare:/sbin/nologin' >"$to/etc/passwd"
echo 'flare:x:65532:' >"$to/etc/group"
echo 'hosts: files dns' >"$to/etc/nsswitch.conf"
chown -R 65532:65532 "$to/var/lib/flare"
chmod 0700 "$to/var/lib/flare"
