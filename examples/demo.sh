#!/usr/bin/env bash
# The demo: installs the dependencies, builds, makes certificates, starts a server, and runs clients over ws, wss and QUIC.
# The protocols race, a conversation moves between them, connections are cut in mid-stream, and nothing is lost, repeated or
# reordered.
set -euo pipefail
cd "$(dirname "$0")/.."

scripts/setup.sh --build
cmake --preset release >/dev/null
echo "building (the first time takes some minutes) ..."
build=(cmake --build build/release --target server_example websocket_client quic_client auto_racing_client switch_client cut_client secure_client room_chat)
if [ -t 1 ]; then
    "${build[@]}"  # with its progress, on one line
else
    said=$("${build[@]}" 2>&1) || { printf '%s\ndemo: the build failed\n' "$said"; exit 1; }
fi
scripts/generate_certs.sh >/dev/null

bin=build/release/examples
logs=$(mktemp -d)
pids=()
finish() {
    status=$?
    for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done
    for pid in "${pids[@]}"; do wait "$pid" 2>/dev/null || true; done
    if [ "$status" -ne 0 ]; then
        echo "demo: FAILED; the server log:"
        cat "$logs"/*.log
    fi
    rm -rf "$logs"
    exit "$status"
}
trap finish EXIT

free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }
wait_for_port() {
    for _ in $(seq 100); do
        if (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; then return 0; fi
        sleep 0.1
    done
    echo "demo: nothing listens on port $1"
    return 1
}

plain=$(free_port) secure=$(free_port) flaky=$(free_port) quic=$(free_port) vanishing=$(free_port)
"$bin/server_example" --websocket-addr "127.0.0.1:$plain" --quic-addr "127.0.0.1:$quic" --workers 2 >"$logs/server.log" 2>&1 & pids+=($!)
"$bin/server_example" --websocket-addr "127.0.0.1:$secure" --no-quic --cert certs/server.crt --key certs/server.key >"$logs/secure.log" 2>&1 & pids+=($!)
wait_for_port "$plain"
wait_for_port "$secure"

echo
echo "== a text, a binary and a custom message over ws://127.0.0.1:$plain, sealed"
"$bin/websocket_client" "ws://127.0.0.1:$plain" certs/ca.crt

echo
echo "== the same over TLS, with a verified certificate: wss://127.0.0.1:$secure"
"$bin/secure_client" "wss://127.0.0.1:$secure" certs/ca.crt

echo
echo "== a text, a binary and a custom message over quic://127.0.0.1:$quic, sealed; then one as early data (0-RTT), not sealed"
"$bin/quic_client" "quic://127.0.0.1:$quic" certs/ca.crt

echo
echo "== a room with two users, a bot and a late joiner, on a server with a store"
"$bin/room_chat" "$logs/room.db"

echo
echo "== 1,000 numbered messages each way over QUIC; the client drops the connection, migrates to another port, and the server drops it"
"$bin/cut_client" "quic://127.0.0.1:$quic" certs/ca.crt --cuts 2

echo
echo "== 1,000 numbered messages each way; the session switches between QUIC and WebSocket in mid-stream"
"$bin/switch_client" "quic://127.0.0.1:$quic" "ws://127.0.0.1:$plain" certs/ca.crt

echo
echo "== QUIC and WebSocket race; both are measured, and the better one is used"
"$bin/auto_racing_client" "quic://127.0.0.1:$quic" "ws://127.0.0.1:$plain" certs/ca.crt

echo
echo "== 1,000 numbered messages each way; UDP is blocked in mid-stream, and the session moves to WebSocket by itself"
python3 examples/flaky_proxy.py "$vanishing" "$quic" --udp --vanish-after 400 >"$logs/udp.log" 2>&1 & pids+=($!)
for _ in $(seq 100); do grep -q ready "$logs/udp.log" && break; sleep 0.1; done
"$bin/switch_client" "quic://127.0.0.1:$vanishing" "ws://127.0.0.1:$plain" certs/ca.crt --race

echo
echo "== 1,000 numbered messages each way; the TCP connection is cut in mid-stream"
python3 examples/flaky_proxy.py "$flaky" "$plain" --cut-after 30000 --cuts 2 >"$logs/proxy.log" 2>&1 & pids+=($!)
wait_for_port "$flaky"
"$bin/cut_client" "ws://127.0.0.1:$flaky" --cuts 2
