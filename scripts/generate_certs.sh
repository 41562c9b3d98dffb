#!/usr/bin/env bash
# Makes a CA, a server and a client certificate for tests and trying out (ECDSA P-256, one year), and a server's key for
# sealing: sealing.key is the server's secret, sealing.pub what clients may pin.
#     scripts/generate_certs.sh [--force] [DIRECTORY]     default: certs
# Certificates that are valid for another week are kept unless --force is given.
set -euo pipefail

force=no
[ "${1:-}" = --force ] && { force=yes; shift; }
directory=${1:-$(cd "$(dirname "$0")/.." && pwd)/certs}
mkdir -p "$directory"
cd "$directory"

umask 077
# X25519, 32 bytes in base64 each: they are the last ones of what OpenSSL writes.
if [ "$force" = yes ] || ! [ -s sealing.key ] || ! [ -s sealing.pub ]; then
    rm -f sealing.key sealing.pub sealing.der
    openssl genpkey -algorithm X25519 -outform DER -out sealing.der
    tail -c 32 sealing.der | base64 >sealing.key
    openssl pkey -inform DER -in sealing.der -pubout -outform DER | tail -c 32 | base64 >sealing.pub
    chmod 644 sealing.pub
    rm -f sealing.der
    echo "made a sealing key in $directory"
fi

fresh() { [ "$force" = no ] && [ -s "$1.key" ] && openssl x509 -in "$1.crt" -noout -checkend 604800 >/dev/null 2>&1; }
if fresh ca && fresh server && fresh client && openssl verify -CAfile ca.crt server.crt client.crt >/dev/null 2>&1; then
    echo "certificates in $directory are good"
    exit 0
fi

# A file that is there keeps its mode when it is written to: a key gets a new one.
key() { rm -f "$1.key" && openssl ecparam -name prime256v1 -genkey -noout -out "$1.key"; }
signed() {  # name, subject, extensions
    key "$1"
    openssl req -new -key "$1.key" -subj "/O=Flare test/CN=$2" -out "$1.csr"
    openssl x509 -req -in "$1.csr" -CA ca.crt -CAkey ca.key -CAcreateserial -days 365 -sha256 -out "$1.crt" \
        -extfile <(printf '%s\n' "basicConstraints=CA:FALSE" "keyUsage=digitalSignature" "$3") 2>/dev/null
    rm -f "$1.csr"
}

key ca
openssl req -x509 -new -key ca.key -days 365 -sha256 -subj "/O=Flare test/CN=Flare test CA" -out ca.crt \
    -addext "basicConstraints=critical,CA:TRUE" -addext "keyUsage=critical,keyCertSign,cRLSign"
signed server localhost $'extendedKeyUsage=serverAuth\nsubjectAltName=DNS:localhost,IP:127.0.0.1,IP:::1'
signed client flare-client 'extendedKeyUsage=clientAuth'
chmod 644 ./*.crt
openssl verify -CAfile ca.crt server.crt client.crt
echo "made ca, server and client certificates in $directory"
