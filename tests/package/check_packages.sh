#!/usr/bin/env bash
# What Flare's Debian packages ask for: a client's nothing that only servers need, and nobody Flare of another version.
#     tests/package/check_packages.sh FOLDER_OF_DEBS
set -euo pipefail
fail() { echo "packages: $*"; exit 1; }
depends() { dpkg-deb -f "$1"/"$2"_*.deb Depends; }
[ $# -eq 1 ] || { sed -n 2,3p "$0" >&2; exit 2; }
version=$(dpkg-deb -f "$1"/libflare-core0.1_*.deb Version)
for package in libflare-core0.1 libflare-client0.1; do
    ! depends "$1" $package | grep -oE 'libprometheus[^,]*|libutf8proc[^,]*|libflare-server[^,]*' || fail "$package asks for what only servers need"
done
for package in libflare-client0.1 libflare-server0.1; do
    depends "$1" $package | grep -qF "libflare-core0.1 (= $version)" || fail "$package takes a core of another version"
done
for library in libprometheus libutf8proc; do
    depends "$1" libflare-server0.1 | grep -q $library || fail "libflare-server0.1 does not ask for $library: this test cannot fail"
done
contents=$(dpkg-deb -c "$1"/flare-tools_*.deb)
for path in bin/flare share/flare/openapi.yaml share/flare/proto/flare/v1/frame.proto share/flare/grafana-dashboard.json \
    share/flare/examples/backends/backend.py share/flare/examples/compose/compose.yaml \
    share/flare/examples/kubernetes/flare.yaml; do
    grep -q "/$path$" <<<"$contents" || fail "flare-tools has no $path"
done
for file in "$1"/*flare*.deb; do
    echo "$(dpkg-deb -f "$file" Package): $(dpkg-deb -f "$file" Depends)"
done
