#!/usr/bin/env bash
# Does a server really answer? Asks each endpoint and says what is wrong.
#     examples/test_connection.sh [HOST:PORT [HOST:QUIC_PORT]]        default 127.0.0.1:4000 127.0.0.1:4010
set -uo pipefail
cd "$(dirname "$0")/.."
address=${1:-127.0.0.1:4000}
quic=${2:-127.0.0.1:4010}
failed=0
check() {  # name, command ...
    local what=$1
    shift
    if output=$("$@" 2>&1); then
        printf 'ok      %s\n' "$what"
    else
        printf 'FAILED  %s\n%s\n' "$what" "$output" | head -n 6
        failed=1
    fi
}
upgrade() {
    curl -sS --max-time 5 -o /dev/null -w '%{http_code}' -H 'Connection: Upgrade' -H 'Upgrade: websocket' -H 'Sec-WebSocket-Version: 13' \
        -H 'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==' -H 'Sec-WebSocket-Protocol: flare.v1' --http1.1 "http://$address/" 2>/dev/null | grep -q '^101'
}
check "http://$address/healthz" curl -fsS --max-time 5 "http://$address/healthz"
check "http://$address/readyz" curl -fsS --max-time 5 "http://$address/readyz"
check "ws://$address upgrade to flare.v1" upgrade
client=build/release/examples/websocket_client
if [ -x "$client" ]; then
    check "ws://$address session and messages" timeout 20 "$client" "ws://$address"
else
    echo "skipped ws://$address session and messages: $client is not built (./examples/demo.sh builds it)"
fi
client=build/release/examples/quic_client
if [ -x "$client" ]; then
    check "quic://$quic session and messages" timeout 20 "$client" "quic://$quic" certs/ca.crt
else
    echo "skipped quic://$quic session and messages: $client is not built (./examples/demo.sh builds it)"
fi
client=build/release/examples/auto_racing_client
if [ -x "$client" ]; then
    check "quic://$quic and ws://$address, raced" timeout 20 "$client" "quic://$quic" "ws://$address" certs/ca.crt
else
    echo "skipped quic://$quic and ws://$address, raced: $client is not built (./examples/demo.sh builds it)"
fi
exit $failed
