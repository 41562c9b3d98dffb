#!/usr/bin/env python3
"""A back-end for a chat, with nothing but Python's standard library: README.md beside it."""
import base64
import hashlib
import hmac
import http.server
import json
import os
import pathlib
import time
import urllib.error
import urllib.parse
import urllib.request

API = os.environ.get("FLARE_API", "http://127.0.0.1:4002")
API_KEY = os.environ["FLARE_API_KEY"]
TOKEN_SECRET = pathlib.Path("token.secret").read_text().strip().encode()
HOOK_KEY = base64.b64decode(pathlib.Path("hook.secret").read_text().strip().removeprefix("whsec_"))
ROOM = "room:lobby"
seen = []  # texts of which a hook has told


def ask(method, path, body=None):
    """A call of the server API. Returns the status and the answer."""
    request = urllib.request.Request(API + path, method=method, headers={"Authorization": "Bearer " + API_KEY},
                                     data=None if body is None else json.dumps(body).encode())
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


def token(user):
    """A token (JWT, HS256) with which `user` may connect for an hour."""
    def part(value):
        return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=")
    text = part({"alg": "HS256", "typ": "JWT"}) + b"." + part({"sub": user, "exp": int(time.time()) + 3600})
    signature = base64.urlsafe_b64encode(hmac.digest(TOKEN_SECRET, text, hashlib.sha256)).rstrip(b"=")
    return (text + b"." + signature).decode()


def is_signed(headers, body):
    """Whether the server has sent it, and not long ago."""
    stamp = headers.get("webhook-timestamp", "0")
    content = f"{headers.get('webhook-id')}.{stamp}.".encode() + body
    expected = "v1," + base64.b64encode(hmac.digest(HOOK_KEY, content, hashlib.sha256)).decode()
    good = any(hmac.compare_digest(expected, each) for each in headers.get("webhook-signature", "").split())
    return good and abs(time.time() - int(stamp)) < 300


def on_hook(event):
    if event.get("type") == "message.before_create":
        rude = "darn" in event["data"]["message"].get("text", "")
        return {"action": "refuse", "text": "be nice"} if rude else {"action": "accept"}
    for each in event["events"]:
        entry = each["data"]["entry"]
        seen.append(f"{entry['from']}: {entry.get('text', '')}")
    return {}


class Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.path != "/hooks" or not is_signed(self.headers, body):
            return self.answer(401, {"error": "not signed by the server"})
        self.answer(200, on_hook(json.loads(body)))

    def do_GET(self):
        url = urllib.parse.urlparse(self.path)
        user = urllib.parse.parse_qs(url.query).get("user", [""])[0]
        if url.path == "/token" and user:  # a real one asks for a password first
            ask("POST", f"/v1/conversations/{ROOM}/members", {"users": [user]})
            self.answer(200, {"token": token(user)})
        elif url.path == "/history":
            self.answer(*ask("GET", f"/v1/conversations/{ROOM}/messages?limit=50"))
        elif url.path == "/seen":
            self.answer(200, {"seen": seen})
        else:
            self.answer(404, {"error": "GET /token?user=NAME, /history or /seen"})

    def answer(self, status, value):
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


status, answer = ask("POST", "/v1/conversations", {"conversation": ROOM, "owner": "host", "title": "Lobby"})
if status == 200:
    ask("POST", "/v1/messages", {"to": ROOM, "text": "welcome"})
elif status != 409:  # it is there already
    raise SystemExit(f"the room cannot be made: {answer}")
port = int(os.environ.get("PORT", "8000"))
print(f"http://127.0.0.1:{port}", flush=True)
http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler).serve_forever()
