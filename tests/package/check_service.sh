#!/usr/bin/env bash
# The systemd unit is one, and exposes little: systemd-analyze sums up what an attacker in the server could reach, from 0
# (nothing) to 10.
#     tests/package/check_service.sh BUILD_FOLDER
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
command -v systemd-analyze >/dev/null || { echo "skipped: no systemd-analyze"; exit 77; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/root/etc"
systemd-sysusers --root="$work/root" "$here/../../packaging/flare.sysusers.conf" 2>/dev/null
user=$(sed -n 's/^User=//p' "$1/flare-server.service")
grep -q "^$user:" "$work/root/etc/passwd" || { echo "nobody makes the user '$user'"; exit 1; }
# `verify` wants the program and the user to exist.
sed 's|^ExecStart=[^ ]*/flare |ExecStart=/bin/true |; s|^WorkingDirectory=.*|WorkingDirectory=/|; s|^User=.*|User=daemon|' \
    "$1/flare-server.service" >"$work/flare-server.service"
said=$(systemd-analyze verify --man=no "$work/flare-server.service" 2>&1 | grep flare-server || true)
[ -z "$said" ] || { echo "$said"; exit 1; }
systemd-analyze security --no-pager --offline=yes --threshold=20 "$work/flare-server.service" | tail -n 1
