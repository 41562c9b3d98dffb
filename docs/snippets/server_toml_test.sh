#!/usr/bin/env bash
# The configuration of docs/operations.md is one that `flare server` takes, once the files it names are there.
#     server_toml_test.sh FLARE DOCUMENT CERTIFICATES       ends with 77 where the tool has no server
set -euo pipefail
grep -Eq '^ +server ' <<<"$("$1" --help)" || { echo "this build of the tool has no server"; exit 77; }
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
printf '{"keys":[{"kty":"oct","kid":"1","k":"%s"}]}\n' "$(head -c 32 /dev/urandom | base64 | tr '+/' '-_' | tr -d '=\n')" >"$place/jwks.json"
cp "$3/server.crt" "$place/chain.pem"
cp "$3/server.key" "$place/key.pem"
sed -n '/^```toml$/,/^```$/p' "$2" | grep -v '^```' | sed "s#\"/etc/flare/tls/#\"$place/#; s#\"/etc/flare/#\"$place/#; s#\"/var/lib/flare/#\"$place/#" >"$place/server.toml"
[ -s "$place/server.toml" ] || { echo "no configuration in $2"; exit 1; }
chmod 600 "$place"/*
"$1" server --check-config --config "$place/server.toml"
