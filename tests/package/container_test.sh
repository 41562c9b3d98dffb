#!/usr/bin/env bash
# The container image: it is built on a fresh Debian without a registry, is small, and what is in it serves: as a user
# without rights, on a root that cannot be written, with its store on a volume.
#     tests/package/container_test.sh FOLDER_OF_DEBS FLARE
# As root, with mmdebstrap and buildah (scripts/setup.sh --deployment); prints the sizes as JSON.
set -euo pipefail
fail() { echo "container: $*" >&2; exit 1; }
[ $# -eq 2 ] || { sed -n 4,5p "$0" >&2; exit 2; }
debs=$(realpath "$1")
flare=$(realpath "$2")
root=$(cd "$(dirname "$0")/../.." && pwd)
for tool in mmdebstrap buildah; do
    command -v $tool >/dev/null || { echo "skipped: there is no $tool: scripts/setup.sh --deployment installs it"; exit 77; }
done
[ "$(id -u)" -eq 0 ] || { echo "skipped: this needs root"; exit 77; }
most_mb=80
work=$(mktemp -d)
storage=(--root "$work/storage" --runroot "$work/run" --storage-driver vfs)
server=
cleanup() {
    [ -z "$server" ] || kill "$server" 2>/dev/null || true
    rm -rf "$work"
}
trap cleanup EXIT

# A fresh Debian of this release, from where this machine has its packages.
. /etc/os-release
sources=()
for each in /etc/apt/sources.list /etc/apt/sources.list.d/*.list /etc/apt/sources.list.d/*.sources; do [ ! -s "$each" ] || sources+=("$each"); done
mmdebstrap --variant=minbase "$VERSION_CODENAME" "$work/base.tar" "${sources[@]}" >&2
buildah "${storage[@]}" from --name base scratch >&2
buildah "${storage[@]}" add base "$work/base.tar" >&2
buildah "${storage[@]}" commit base flare-base >&2

mkdir "$work/context"
cp "$debs"/libflare-{core,client,server}0.1_*.deb "$debs"/flare-tools_*.deb "$root/packaging/container/collect.sh" "$work/context"
buildah "${storage[@]}" build --format docker --isolation chroot --build-arg BASE=localhost/flare-base \
    -f "$root/packaging/container/Containerfile" -t flare-image "$work/context" >&2
buildah "${storage[@]}" push --format oci flare-image "oci-archive:$work/image.tar" >&2  # as a registry keeps it: compressed
compressed=$(stat -c %s "$work/image.tar")
container=$(buildah "${storage[@]}" from flare-image)
mounted=$(buildah "${storage[@]}" mount "$container")
unpacked=$(du -sb --apparent-size "$mounted" | cut -f1)
[ "$compressed" -lt $((most_mb * 1000 * 1000)) ] || fail "the image has $compressed bytes, and $most_mb MB are allowed"
[ "$(buildah "${storage[@]}" inspect --format '{{.OCIv1.Config.User}}' "$container")" = 65532:65532 ] || fail "it runs as root"
of_image() { buildah "${storage[@]}" inspect --type image --format "$1" flare-image; }
health=$(of_image '{{join .Docker.Config.Healthcheck.Test " "}}') || fail "it has no health command"
[ "$health" = "CMD /usr/bin/flare top --count 1 --interval 0.1" ] || fail "its health command is '$health'"
[ ! -e "$mounted/bin/sh" ] || fail "there is a shell in it"

# What it has is run as a container runtime would: in its root, which cannot be written, as its user.
mkdir "$work/data" "$work/root"
chown 65532:65532 "$work/data"
chmod 700 "$work/data"
mount --bind "$mounted" "$work/root"
mount -o remount,bind,ro "$work/root"
mount --bind "$work/data" "$work/root/var/lib/flare"
unmount() { umount "$work/root/var/lib/flare" "$work/root" 2>/dev/null || true; }
trap 'unmount; cleanup' EXIT
port=$((20000 + RANDOM % 20000))
inside() { chroot --userspec 65532:65532 "$work/root" /usr/bin/flare "$@"; }
inside server --websocket-address 127.0.0.1:$port --quic-enabled false --store-file /var/lib/flare/flare.db \
    --sessions-ticket-key-file /var/lib/flare/ticket.keys --admin-address 127.0.0.1:$((port + 1)) >"$work/log" 2>&1 &
server=$!
for ((i = 0; i < 100; i++)); do
    inside top --count 1 --interval 0.1 --admin 127.0.0.1:$((port + 1)) >/dev/null 2>&1 && break
    sleep 0.1
done
"$flare" send --url ws://127.0.0.1:$port --user ann ann 'from a container' >&2 || { cat "$work/log" >&2; fail "it does not serve"; }
"$flare" history --url ws://127.0.0.1:$port --user ann ann | grep -q 'from a container' || fail "it does not store"
[ -s "$work/data/flare.db" ] || fail "the store is not on the volume"
inside top --count 1 --interval 0.1 --admin 127.0.0.1:$((port + 1)) >/dev/null || fail "the health command fails"
kill "$server"
wait "$server" || fail "it does not end by itself"
server=
! inside top --count 1 --admin 127.0.0.1:$((port + 1)) >/dev/null 2>&1 || fail "the health command does not see that it is gone"
echo "{\"compressed_bytes\":$compressed,\"unpacked_bytes\":$unpacked}"
