#!/usr/bin/env python3
"""The server API against docs/openapi.yaml, in both directions: every operation is called, well and badly, on a running
server; every request that is meant well fits the document, every answer is one that the document foresees.

    openapi_check.py FLARE
"""
import copy
import http.client
import json
import pathlib
import re
import subprocess
import sys
import tempfile
import urllib.parse

import jsonschema
import yaml

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
DOCUMENT = yaml.safe_load((ROOT / "docs/openapi.yaml").read_text())
METHODS = ("get", "post", "patch", "put", "delete")
OPERATIONS = {
    operation["operationId"]: (method, path, operation)
    for path, item in DOCUMENT["paths"].items()
    for method, operation in item.items()
    if method in METHODS
}
UNKNOWN = "no such field is known here"
ROOM = {"conversation": "room:lunch"}
DIRECT = {"user": "ann", "other": "bob"}

# Each operation with what it is asked in turn: (operation, path, query, body). What stands in {braces} is filled in.
GOOD = [
    ("info", {}, {}, None),
    ("create_conversation", {}, {}, {"conversation": "room:lunch", "owner": "ann", "members": ["bob"], "title": "Lunch"}),
    ("get_conversation", ROOM, {}, None),
    ("list_conversations", {}, {"limit": "1"}, None),
    ("publish", {}, {}, {"to": "room:lunch", "from": "ann", "text": "soup", "mentions": ["bob"]}),
    ("publish", {}, {}, {"to": ["bob", "room:lunch"], "base64": "/w==", "silent": True, "reply_to": 0}),
    ("publish", {}, {}, {"to": "bob", "from": "ann", "text": "hello"}),
    ("publish_batch", {}, {}, {"messages": [{"to": "room:lunch", "text": "1"}, {"to": ["ann", "room:no"], "text": "2"}]}),
    ("list_messages", ROOM, {"limit": "2"}, None),
    ("list_messages", ROOM, {"after": "0"}, None),
    ("get_message", dict(ROOM, offset="2"), {}, None),
    ("edit_message", dict(ROOM, offset="2"), {}, {"by": "ann", "text": "soup!", "epoch": "{epoch}"}),
    ("react", dict(ROOM, offset="2"), {}, {"by": "bob", "key": "+1"}),
    ("list_messages", ROOM, {}, None),
    ("unreact", dict(ROOM, offset="2"), {"by": "bob", "key": "+1"}, None),
    ("delete_message", dict(ROOM, offset="3"), {"epoch": "{epoch}"}, None),
    ("get_direct_conversation", DIRECT, {}, None),
    ("list_direct_messages", DIRECT, {}, None),
    ("get_direct_message", dict(DIRECT, offset="1"), {}, None),
    ("edit_direct_message", dict(DIRECT, offset="1"), {}, {"by": "ann", "text": "hello!"}),
    ("react_direct", dict(DIRECT, offset="1"), {}, {"by": "bob", "key": "+1"}),
    ("unreact_direct", dict(DIRECT, offset="1"), {"by": "bob", "key": "+1"}, None),
    ("delete_direct_message", dict(DIRECT, offset="1"), {"by": "ann"}, None),
    ("update_conversation", ROOM, {}, {"title": "Dinner", "join": "open", "slow_mode_ms": 0, "max_payload_bytes": "4096"}),
    ("add_members", ROOM, {}, {"users": ["carl", "dora"], "role": "moderator"}),
    ("update_member", dict(ROOM, user="carl"), {}, {"role": "admin"}),
    ("update_member", dict(ROOM, user="dora"), {}, {"muted_until": "2100-01-01T00:00:00Z"}),
    ("list_members", ROOM, {"limit": "2"}, None),
    ("remove_member", dict(ROOM, user="carl"), {}, None),
    ("ban", ROOM, {}, {"user": "carl", "until": "forever"}),
    ("list_bans", ROOM, {}, None),
    ("unban", dict(ROOM, user="carl"), {}, None),
    ("invite", ROOM, {}, {"users": ["eve"], "by": "ann"}),
    ("list_invitations", ROOM, {}, None),
    ("withdraw_invitation", dict(ROOM, user="eve"), {}, None),
    ("list_user_conversations", {"user": "bob"}, {}, None),
    ("get_unread", {"user": "bob"}, {}, None),
    ("mark_read", {"user": "bob"}, {}, {"conversation": "room:lunch", "offset": 2, "epoch": "{epoch}"}),
    ("block", {"user": "bob"}, {}, {"user": "eve"}),
    ("list_blocks", {"user": "bob"}, {}, None),
    ("unblock", {"user": "bob", "other": "eve"}, {}, None),
    ("list_devices", {"user": "bob"}, {}, None),
    ("remove_device", {"user": "bob", "device": "phone"}, {}, None),
    ("get_occupancy", ROOM, {}, None),
    ("list_sessions", {"user": "bob"}, {}, None),
    ("get_presence", {"user": "bob"}, {}, None),
    ("typing", {}, {}, {"user": "bob", "conversation": "room:lunch"}),
    ("broadcast", {}, {}, {"text": "hello"}),
    ("list_hooks", {}, {}, None),
    ("pause_hook", {"hook": "orders"}, {}, None),
    ("resume_hook", {"hook": "orders"}, {}, None),
    ("replay_hook", {"hook": "orders"}, {}, {"after": "0"}),
    ("replay_hook", {"hook": "orders"}, {}, {"from": "2026-01-01T00:00:00Z"}),
    ("disconnect_user", {"user": "bob"}, {}, {"text": "maintenance"}),
    ("revoke_user", {"user": "bob"}, {}, {"until": "2100-01-01T00:00:00Z"}),
    ("erase_user", {"user": "dora"}, {}, None),
    ("freeze", ROOM, {}, {}),
    ("unfreeze", ROOM, {}, None),
    ("truncate", ROOM, {}, {"keep_from": "3", "epoch": "{epoch}"}),
]
# What fails for a reason of its own: the same, and the status with the name of the error.
BAD = [
    ("publish", {}, {}, {"to": "room:no", "text": "x"}, 404, "unknown_conversation"),
    ("publish", {}, {}, {"to": "room:lunch", "from": "nobody", "text": "x"}, 404, "unknown_conversation"),
    ("create_conversation", {}, {}, {"conversation": "room:lunch", "owner": "ann"}, 409, "conversation_exists"),
    ("get_conversation", {"conversation": "room:no"}, {}, None, 404, "unknown_conversation"),
    ("list_messages", ROOM, {"after": "0"}, None, 410, "history_pruned"),
    ("get_message", dict(ROOM, offset="99"), {}, None, 404, "unknown_entry"),
    ("edit_message", dict(ROOM, offset="4"), {}, {"text": "x", "epoch": "1"}, 409, "epoch_changed"),
    ("update_member", dict(ROOM, user="nobody"), {}, {"role": "admin"}, 404, "unknown_target"),
    ("get_unread", {"user": "stranger"}, {}, None, 404, "unknown_target"),
    ("pause_hook", {"hook": "none"}, {}, None, 404, "unknown_hook"),
    ("replay_hook", {"hook": "none"}, {}, {"after": "0"}, 404, "unknown_hook"),
]


# Lines of the page for people: `$ c [-X METHOD] $A/PATH [-d BODY]`, which work in their order.
CURL = re.compile(r"""^\$ c (?:-X (?P<method>\w+) )?"?\$A(?P<path>[^\s"?]*)\S*(?P<body> -d .*)?$""", re.MULTILINE)


def fail(text):
    sys.exit(f"openapi: {text}")


def schema_of(part):
    """A schema of the document, in which references are found."""
    return dict(part, components=DOCUMENT["components"])


def fits(part, value):
    return jsonschema.Draft202012Validator(schema_of(part)).is_valid(value)


def must_fit(part, value, what):
    error = jsonschema.exceptions.best_match(jsonschema.Draft202012Validator(schema_of(part)).iter_errors(value))
    if error is not None:
        fail(f"{what}: {error.message} at {list(error.path)}: {json.dumps(value)[:500]}")


def resolved(part):
    while "$ref" in part:
        found = DOCUMENT
        for name in part["$ref"].removeprefix("#/").split("/"):
            found = found[name]
        part = found
    return part


class Server:
    def __init__(self, flare, folder):
        self.flare, self.folder = flare, folder
        self.keys = {scope: self.make_key(scope) for scope in ["*"] + sorted({o["x-scope"] for _, _, o in OPERATIONS.values()})}
        # Its endpoint is away.
        (pathlib.Path(folder) / "server.toml").write_text(
            '[[hook]]\nname = "orders"\nurl = "http://127.0.0.1:9/"\n'
            'secrets = ["whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIz"]\n')
        (pathlib.Path(folder) / "server.toml").chmod(0o600)
        self.process = subprocess.Popen(
            [flare, "server", "--config", f"{folder}/server.toml", "--json", "true", "--websocket-address", "127.0.0.1:0", "--quic-enabled", "false",
             "--store-file", f"{folder}/flare.db", "--api-address", "127.0.0.1:0", "--api-keys-file", f"{folder}/keys",
             "--api-max-requests-per-second", "0"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        told = json.loads(self.process.stdout.readline())
        self.address = urllib.parse.urlparse(told["api"]).netloc
        self.epoch = ""

    def make_key(self, scope):
        return subprocess.run([self.flare, "api-key", "create", "--file", f"{self.folder}/keys", "--scopes", scope],
                              check=True, capture_output=True, text=True).stdout.strip()

    def stop(self):
        self.process.terminate()
        self.process.wait()

    def ask(self, name, path, query, body, key="*", method=None):
        """The status, the type and the body of the answer."""
        its_method, template, _ = OPERATIONS[name]
        target = template.format(**{each: urllib.parse.quote(value, safe=":") for each, value in path.items()})
        if query:
            target += "?" + urllib.parse.urlencode(query)
        headers = {"Authorization": f"Bearer {self.keys[key]}"} if key else {}
        connection = http.client.HTTPConnection(self.address, timeout=30)
        connection.request(method or its_method.upper(), target, None if body is None else json.dumps(body), headers)
        answer = connection.getresponse()
        text = answer.read()
        connection.close()
        return answer.status, answer.getheader("Content-Type"), json.loads(text) if text else None


def check_answer(name, answer, what):
    status, kind, body = answer
    responses = OPERATIONS[name][2]["responses"]
    if str(status) not in responses:
        fail(f"{what}: the document does not foresee {status}: {body}")
    (wanted, content), = resolved(responses[str(status)])["content"].items()
    if kind != wanted:
        fail(f"{what}: the answer is {kind}, not {wanted}")
    must_fit(content["schema"], body, what)


def fill_in(server, value):
    return json.loads(json.dumps(value).replace("{epoch}", server.epoch))


def check_good(server, name, path, query, body):
    operation = OPERATIONS[name][2]
    body = fill_in(server, body)
    if body is not None:
        must_fit(operation["requestBody"]["content"]["application/json"]["schema"], body, f"the request of {name}")
    known = {each["name"]: each for each in map(resolved, operation.get("parameters", []))}
    for each in list(path) + list(query):
        if each not in known:
            fail(f"{name}: the document has no parameter {each}")
    answer = server.ask(name, path, fill_in(server, query), body)
    check_answer(name, answer, name)
    if answer[0] >= 300:
        fail(f"{name} is refused: {answer}")
    if name == "get_conversation":
        server.epoch = answer[2]["head"]["epoch"]


def check_bad(server, name, path, query, body):
    """What is wrong with any call."""
    method, template, operation = OPERATIONS[name]
    body, query = fill_in(server, body), fill_in(server, query)

    def refused(what, status, *asked, **more):
        answer = server.ask(*asked, **more)
        check_answer(name, answer, f"{name} {what}")
        if answer[0] != status:
            fail(f"{name} {what}: {answer} and not {status}")
        return answer[2]

    refused("without a key", 401, name, path, query, body, key=None)
    other = next(scope for scope in server.keys if scope not in ("*", operation["x-scope"]))
    refused("without its scope", 403, name, path, query, body, key=other)
    refused("with a stray parameter", 400, name, path, dict(query, stray="1"), body)
    for parameter in map(resolved, operation.get("parameters", [])):
        if parameter["in"] == "query":
            answer = server.ask(name, path, dict(query, **{parameter["name"]: query.get(parameter["name"], "x")}), body)
            if answer[2].get("detail") == "no such parameter is known here":
                fail(f"{name}: the server does not know the parameter {parameter['name']}")
    if server.ask(name, path, query, body, method="TRACE")[0] != 405:
        fail(f"{template} answers TRACE")
    if "requestBody" not in operation:
        return
    schema = operation["requestBody"]["content"]["application/json"]["schema"]
    stray = dict(body or {}, stray=1)
    if fits(schema, stray):
        fail(f"{name}: the document takes a stray field")
    refused("with a stray field", 400, name, path, query, stray)
    for field in resolved(schema)["properties"]:
        wrong = copy.deepcopy(body or {})
        wrong[field] = {"no": "value"}
        if fits(schema, wrong):
            fail(f"{name}: the document takes an object as {field}")
        problem = refused(f"with an object as {field}", 400, name, path, query, wrong)
        if problem["detail"] == UNKNOWN:
            fail(f"{name}: the server does not know the field {field}")
    for field in resolved(schema).get("required", []):
        refused(f"without {field}", 400, name, path, query, {each: body[each] for each in body if each != field})


def check_curl_lines(server):
    """Each call has a line in docs/server-api.md, and each line is answered with what was asked for."""
    text = (ROOT / "docs/server-api.md").read_text()
    named = set()
    for line in CURL.finditer(text):
        method = (line["method"] or ("POST" if line["body"] else "GET")).lower()
        for name, (of, path, _) in OPERATIONS.items():
            if of == method and re.fullmatch(re.sub(r"{\w+}", "[^/]+", path), "/v1" + line["path"]):
                named.add(name)
        command = line[0].removeprefix("$ ")
        epoch = re.search(r"^\$ (EPOCH=.*)$", text, re.MULTILINE)[1] if "$EPOCH" in command else ":"
        script = (f'A=http://{server.address}/v1; c() {{ curl -s -H "Authorization: Bearer $KEY" "$@"; }}; '
                  f"{epoch}; {command}")
        done = subprocess.run(["bash", "-c", script], env={"KEY": server.keys["*"], "PATH": "/usr/bin:/bin"},
                              capture_output=True, text=True, check=True)
        if '"errc"' in done.stdout:
            fail(f"docs/server-api.md: {command}: {done.stdout}")
    if named != set(OPERATIONS):
        fail(f"docs/server-api.md has no line with curl for {sorted(set(OPERATIONS) - named)}")
    return len(named)


def main():
    called = {name for name, *_ in GOOD}
    never = set(OPERATIONS) - called - {"delete_conversation"}
    if never:
        fail(f"nobody calls {', '.join(sorted(never))}")
    with tempfile.TemporaryDirectory() as folder:
        server = Server(sys.argv[1], folder)
        try:
            for name, path, query, body in GOOD:
                check_good(server, name, path, query, body)
            for name, path, query, body, status, error in BAD:
                answer = server.ask(name, path, query, fill_in(server, body))
                check_answer(name, answer, name)
                if (answer[0], answer[2].get("errc")) != (status, error):
                    fail(f"{name}: {answer}, and not {status} {error}")
            seen = set()
            for name, path, query, body in GOOD:
                if name not in seen:
                    check_bad(server, name, path, query, body)
                seen.add(name)
            check_good(server, "delete_conversation", ROOM, {}, None)
        finally:
            server.stop()
    with tempfile.TemporaryDirectory() as folder:
        server = Server(sys.argv[1], folder)
        try:
            lines = check_curl_lines(server)
        finally:
            server.stop()
    print(f"docs/server-api.md: {lines} calls with curl")
    print(f"openapi: {len(OPERATIONS)} operations, {len(GOOD) + 1} good calls, {len(BAD)} bad ones and those of every call")


main()
