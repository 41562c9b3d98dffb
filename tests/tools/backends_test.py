#!/usr/bin/env python3
"""The back-ends of examples/backends, each beside a ready server: a token is issued, a room made and written to, signed
hooks are heard, a message is refused, the history is read.

    backends_test.py FLARE LANGUAGE     python, node, php or go; or standardwebhooks: npm's library verifies a request
"""
import base64
import http.server
import json
import os
import pathlib
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request

EXAMPLES = pathlib.Path(__file__).resolve().parent.parent.parent / "examples/backends"
SKIPPED = 77  # ctest's SKIP_RETURN_CODE
COMMANDS = {
    "python": ("python3", lambda file, port: [sys.executable, file]),
    "node": ("node", lambda file, port: ["node", file]),
    "php": ("php", lambda file, port: ["php", "-S", f"127.0.0.1:{port}", file]),
    "go": ("go", lambda file, port: ["go", "run", file]),
}
FILES = {"python": "backend.py", "node": "backend.js", "php": "backend.php", "go": "backend.go"}
PATIENCE_S = 60


def skip(why):
    print(f"skipped: {why}")
    sys.exit(SKIPPED)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def eventually(what, good):
    until = time.monotonic() + PATIENCE_S
    while time.monotonic() < until:
        try:
            if found := good():
                return found
        except (urllib.error.URLError, ConnectionError):
            pass
        time.sleep(0.1)
    sys.exit(f"{what}: it has not come about")


class Server:
    """`flare server` with the configuration of the examples, on ports of its own, in a folder of its own."""

    def __init__(self, flare, folder, hooks_port):
        self.flare, self.folder = str(pathlib.Path(flare).resolve()), pathlib.Path(folder)
        self.chat, self.api = free_port(), free_port()
        self.write("token.secret", secrets.token_hex(32))
        self.write("hook.secret", "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode())
        self.key = self.run("api-key", "create", "--file", "api.keys", "--scopes", "*").stdout.strip()
        text = (EXAMPLES / "server.toml").read_text()
        for before, after in ((":4000", f":{self.chat}"), (":4002", f":{self.api}"), (":8000", f":{hooks_port}")):
            text = text.replace(before, after)
        self.write("server.toml", text)
        self.process = subprocess.Popen([self.flare, "server", "--config", "server.toml", "--json", "true"], cwd=folder,
                                        stdout=subprocess.PIPE, text=True)
        told = self.process.stdout.readline()
        if not told or "api" not in json.loads(told):
            sys.exit(f"the server does not start: {told}")

    def write(self, name, text):
        path = self.folder / name
        path.write_text(text)
        path.chmod(0o600)

    def run(self, *command, **options):
        return subprocess.run([self.flare, *command], cwd=self.folder, capture_output=True, text=True, timeout=60, **options)

    def send(self, token, text):
        return self.run("send", "--url", f"ws://127.0.0.1:{self.chat}", "--token", token, "room:lobby", text)

    def stop(self):
        self.process.terminate()
        self.process.wait()


def get(url):
    with urllib.request.urlopen(url, timeout=10) as answer:
        return json.load(answer)


def check_backend(flare, language):
    program, command = COMMANDS[language]
    if shutil.which(program) is None:
        skip(f"there is no {program}: scripts/setup.sh --backends installs it")
    with tempfile.TemporaryDirectory() as folder:
        port = free_port()
        server = Server(flare, folder, port)
        environment = dict(os.environ, FLARE_API=f"http://127.0.0.1:{server.api}", FLARE_API_KEY=server.key,
                           PORT=str(port), GOCACHE=f"{tempfile.gettempdir()}/flare-gocache")
        backend = subprocess.Popen(command(str(EXAMPLES / FILES[language]), port), cwd=folder, env=environment,
                                   start_new_session=True)
        try:
            use(server, f"http://127.0.0.1:{port}")
        finally:
            os.killpg(backend.pid, 15)
            backend.wait()
            server.stop()


def use(server, url):
    token = eventually("a token", lambda: get(f"{url}/token?user=ann")["token"])
    said = server.send(token, "hello from ann")
    if said.returncode != 0:
        sys.exit(f"a member cannot write: {said.stdout}{said.stderr}")
    refused = server.send(token, "darn it")
    if refused.returncode == 0 or "be nice" not in refused.stdout + refused.stderr:
        sys.exit(f"the hook has not refused it: {refused.stdout}{refused.stderr}")
    eventually("an event", lambda: "ann: hello from ann" in get(f"{url}/seen")["seen"])
    texts = [each.get("text") for each in get(f"{url}/history")["entries"]]
    if "welcome" not in texts or "hello from ann" not in texts or "darn it" in texts:
        sys.exit(f"the history is another one: {texts}")
    forged = urllib.request.Request(f"{url}/hooks", data=b'{"events": []}',
                                    headers={"webhook-id": "1", "webhook-timestamp": str(int(time.time())),
                                             "webhook-signature": "v1,AAAA"})
    try:
        urllib.request.urlopen(forged, timeout=10)
        sys.exit("a forged request is taken")
    except urllib.error.HTTPError as error:
        if error.code != 401:
            sys.exit(f"a forged request is answered {error.code}")
    wrong = server.send("not.a.token", "x")
    if wrong.returncode == 0:
        sys.exit("anybody may connect")
    print("token, room, publish, hook, refusal, history: good")


class Capture(http.server.BaseHTTPRequestHandler):
    captured = []

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.captured.append((dict(self.headers.items()), body.decode()))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


def check_standardwebhooks(flare):
    if shutil.which("npm") is None:
        skip("there is no npm: scripts/setup.sh --backends installs it")
    with tempfile.TemporaryDirectory() as folder:
        installed = subprocess.run(["npm", "install", "--no-audit", "--no-fund", "--prefix", f"{folder}/npm",
                                    "standardwebhooks@1.0.0"], capture_output=True, text=True)
        if installed.returncode != 0:
            skip("npm cannot install standardwebhooks: " + installed.stderr.strip().splitlines()[-1])
        endpoint = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Capture)
        threading.Thread(target=endpoint.serve_forever, daemon=True).start()
        server = Server(flare, folder, endpoint.server_port)
        request = urllib.request.Request(f"http://127.0.0.1:{server.api}/v1/messages",
                                         data=json.dumps({"to": "ann", "text": "grüße"}).encode(),
                                         headers={"Authorization": "Bearer " + server.key})
        urllib.request.urlopen(request, timeout=10).close()
        headers, body = eventually("a request", lambda: Capture.captured)[0]
        server.stop()
        endpoint.shutdown()
        secret = (pathlib.Path(folder) / "hook.secret").read_text()
        script = ("const { Webhook } = require('standardwebhooks');"
                  "const [secret, headers, body] = JSON.parse(process.argv[1]);"
                  "const told = new Webhook(secret).verify(body, headers); console.log(told.events.length);"
                  "try { new Webhook(secret).verify(body + ' ', headers); process.exit(3); } catch {}")
        low = {name.lower(): value for name, value in headers.items()}
        verified = subprocess.run(["node", "-e", script, json.dumps([secret, low, body])], capture_output=True, text=True,
                                  env=dict(os.environ, NODE_PATH=f"{folder}/npm/node_modules"))
        if verified.returncode != 0 or int(verified.stdout) < 1:
            sys.exit(f"standardwebhooks does not verify it: {verified.stdout}{verified.stderr}")
        print("standardwebhooks verifies what a hook is sent, and not what was changed")


if __name__ == "__main__":
    if sys.argv[2] == "standardwebhooks":
        check_standardwebhooks(sys.argv[1])
    else:
        check_backend(sys.argv[1], sys.argv[2])
