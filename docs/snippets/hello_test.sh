#!/usr/bin/env bash
# The two programs of the README, as somebody runs them: the server on one side, the client on the other.
#     hello_test.sh HELLO_SERVER HELLO_CLIENT
set -euo pipefail
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
"$1" "127.0.0.1:$port" &
server=$!
trap 'kill $server 2>/dev/null || true' EXIT
for _ in $(seq 300); do
    (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null && break
    sleep 0.1
done
said=$("$2" "ws://127.0.0.1:$port")
printf '%s\n' "$said"
grep -qx 'the server has handled it' <<<"$said"
grep -qx 'hello alice, you said: good morning' <<<"$said"
