#!/usr/bin/env python3
"""Who may include whom: the arrows of docs/architecture.md. Run without arguments; --self-test checks the check alone.

A folder is looked up by its longest path in a table, so `transport/quic` has rules of its own. A permission is for the
files of that folder alone; with a slash behind it (`client/`) for the folders in it, too. What is forbidden is
forbidden in those in any case.
Permissions only get fewer: one for a file, or for a folder in a module, that nothing uses any more is an error.
"""
import os
import pathlib
import re
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent

# ---- src/: each folder that has source files has a row: what it may include beside itself and <flare/...> ----
BELOW = {"wire", "base"}
CLIENT = BELOW | {"flight", "racing", "session", "transport"}
SERVER = BELOW | {"auth", "flight", "model", "session", "transport"}
# Config is what a builder has gathered; the parts of a shard lean on each other.
SHARD = SERVER | {"server", "server/worker"}
ALLOWED = {
    "base": set(),
    "base/json": {"base"},
    "sql": {"base"},
    "model": {"base"},
    "wire": {"model", "base", "base/json"},
    "auth": {"wire", "base", "base/json"},
    "session": {"model", "wire", "base"},
    "store": {"model", "base"},
    "store/memory": {"store", "model", "base"},
    "store/sqlite": {"store", "sql", "model", "base"},
    "racing": {"base"},
    "im": {"model", "wire", "base"},
    "flight": {"wire", "base", "base/json"},
    "transport": BELOW,
    "transport/proxy": BELOW | {"transport"},
    "transport/tls": BELOW | {"transport"},
    "transport/tcp": BELOW | {"transport", "transport/tls"},
    "transport/http": BELOW | {"transport", "transport/tcp", "transport/tls"},
    "transport/memory": BELOW | {"transport"},
    "transport/sealed": BELOW | {"transport"},
    "transport/websocket": BELOW | {"transport", "transport/http", "transport/proxy", "transport/tcp",
                                    "transport/tls"},
    "transport/quic": BELOW | {"transport", "transport/tls"},
    "client": CLIENT | {"client/cache", "client/connect", "client/loop", "model", "transport/quic", "transport/tls"},
    "client/cache": CLIENT | {"client/im", "model", "sql"},
    "client/im": CLIENT | {"client", "client/cache", "client/loop", "model"},
    "client/connect": CLIENT | {"client", "transport/quic", "transport/sealed", "transport/tls",
                                "transport/websocket"},
    "client/loop": CLIENT | {"base/json", "client", "client/connect", "client/im", "model"},
    "server": SERVER | {"im", "store", "store/sqlite", "base/json", "server/admin", "server/api", "server/hooks", "server/worker", "transport/http", "transport/quic",
                        "transport/tls", "transport/websocket"},
    "server/admin": SHARD | {"base/json", "transport/http", "transport/websocket"},
    "server/api": SHARD | {"im", "store", "server/conversations", "transport/http", "transport/tls"},
    "server/conversations": SHARD | {"im", "store", "server/dispatch", "server/signals"},
    "server/dispatch": SHARD | {"server/conversations"},
    "server/hooks": SERVER | {"server", "im", "store", "server/api", "server/conversations", "transport/http", "transport/tls"},
    "server/reception": SHARD | {"base/json", "transport/sealed", "transport/tls"},
    "server/signals": SHARD | {"im", "store", "server/conversations", "server/dispatch"},
    "server/worker": SHARD | {"server/admin", "server/conversations", "server/dispatch", "server/reception", "store",
                              "transport/quic", "transport/websocket"},
}
# State machines take the time as an argument; also in the folders below these.
NO_CLOCK = {"session", "wire", "model", "racing", "flight", "im"}
CLOCK = re.compile(r"(steady|high_resolution|system)_clock::now\(")

# Headers of others, and the only folders of src/ where they may stand.
LOOPS = {"client/", "server/", "transport", "transport/http", "transport/memory", "transport/proxy", "transport/quic",
         "transport/tcp", "transport/websocket"}
KEPT_OUT = {
    r"<boost/asio": LOOPS,
    r"<boost/beast": {"transport/http", "transport/websocket"},
    r"<sys/socket\.h>": {"client/", "transport", "transport/http", "transport/quic", "transport/tcp", "transport/tls",
                        "transport/websocket"},
    r"<openssl/ssl\.h>": {"transport/tls"},
    r"<boost/json": {"base/json", "wire", "auth", "flight", "server/api", "server/hooks"},  # what is JSON by its own nature: frames, tokens, records
    r"<boost/url": {"server/", "transport"},
    r"<spdlog": {"base"},
    r"<prometheus": {"server/"},
    r"<protozero": {"wire"},
    r"<utf8proc": {"im"},
    r"<zstd\.h>|<zdict\.h>": {"wire"},
    r"<zlib\.h>": {"wire", "transport/websocket"},
    r"<sqlite3\.h>": {"sql"},
    r"<ngtcp2|<gnutls": {"transport/quic"},
    r"<flare/client\.hpp>|<flare/session_pool\.hpp>": {"client/"},  # the two faces: neither knows the other
    r"<flare/server\.hpp>": {"server/"},
}

# Only these files of src/ may contain that: (regex, files, why). Comments do not count. No files: nobody may.
RULES = [
    (r"RAND_bytes|getrandom\(|random_device|mt19937", {"base/random.cpp"}, "chance has one source, base/random.hpp"),
    (r"CRYPTO_memcmp", {"base/crypto.cpp"}, "secrets are compared by base::equal_constant_time()"),
    (r"\brename\(", {"base/aside.cpp", "base/file.cpp"}, "a file is replaced whole and on disk, or not at all: base/file.hpp"),
    (r"\bsleep_(for|until)\(", set(), "nothing waits by polling"),
    (r"mailboxes_\.post\(", {"server/worker/router.hpp"}, "one class gives work to another worker, the router"),
    (r"workers\[[^\]]*\]->post\(", {"server/worker/worker_group.hpp"}, "one class gives work to another worker, the router"),
    (r"\bgetenv\(|std::c(out|err|log)\b", set(), "a library reads no environment and prints nothing; it has a log"),
]

# ---- apps/, bench/: <flare/...>, themselves, and these private headers, which only get fewer ----
PRIVATE = {
    "apps": {
        "auth/api_keys.hpp", "auth/base64url.hpp", "auth/jwt.hpp", "auth/key_file.hpp", "auth/verify_key.hpp", "base/crypto.hpp",
        "base/escape.hpp", "base/file.hpp", "base/lock_file.hpp", "base/rfc3339.hpp", "base/line_writer.hpp", "base/log.hpp", "base/owned.hpp",
        "base/random.hpp", "bench/allocations.hpp", "bench/bench.hpp", "client/connect/url.hpp", "flight/story.hpp",
        "server/certificates.hpp", "server/known_auth.hpp", "server/message_rules.hpp", "transport/host.hpp",
        "transport/http/client.hpp", "transport/http/interim.hpp", "transport/quic/examine.hpp", "transport/tls/chain.hpp", "transport/tls/tls.hpp",
        "transport/url.hpp", "transport/address.hpp", "transport/websocket/upgrade.hpp", "wire/base64.hpp",
        "wire/compression.hpp", "base/json/member.hpp", "base/utf8.hpp",
    },
    "bench": {
        "auth/api_keys.hpp",
        "base/file.hpp", "base/random.hpp", "base/short_slice.hpp", "client/connect/backoff.hpp",
        "client/connect/sealing.hpp", "client/connect/url.hpp", "server/conversations/reading.hpp",
        "server/conversations/sync_reading.hpp", "server/conversations/sync_token.hpp", "session/client_session.hpp",
        "store/engine.hpp", "store/memory/memory.hpp", "store/sqlite/sqlite.hpp", "store/store.hpp", "transport/quic/carrier.hpp", "transport/quic/endpoint.hpp",
        "transport/quic/quic.hpp", "transport/url.hpp", "transport/websocket/parser.hpp",
        "transport/websocket/upgrade.hpp", "transport/websocket/websocket.hpp", "wire/base64.hpp", "wire/batch.hpp",
        "wire/compression.hpp", "wire/feeds.hpp", "wire/requests.hpp", "wire/signals.hpp", "wire/sync.hpp",
    },
    "bench/micro": {
        "base/random.hpp", "session/client_session.hpp", "session/session_table.hpp", "transport/websocket/mask.hpp",
        "transport/websocket/parser.hpp", "wire/batch.hpp", "wire/seal.hpp",
    },
}

# ---- tests/: a unit test includes what its room may; these, what is named here and below it; others, everything ----
TESTS = {
    # one thread, one clock, no sockets
    "tests/sim": {"auth", "client/connect", "client/im", "im", "model", "racing", "server", "session", "store", "store/memory", "transport",
                  "wire", "base"},
    "tests/contract": {"transport", "wire", "base"},
    "tests/contract/store": {"store", "model", "base"},
}
# Others are called as their room.
UNIT_ROOMS = {"tests/unit/websocket": "transport", "tests/unit/quic": "transport", "tests/unit/http": "transport"}
UNIT_ALSO = {"tests/unit/server": {"store/memory"}}  # in the place of what production has there

INCLUDE = re.compile(r'^\s*#\s*include\s+([<"][^>"]+[>"])', re.M)
COMMENT = re.compile(r"//.*")
# Where a compiler looks for what is included, beside the folder of the file: the folders that CMake names.
LOOKED_IN = {
    "src": ["src"],
    "apps": ["apps/flare", "src", "bench"],
    "bench": ["bench", "src"],
    "tests": ["tests", "src", "apps/flare", "."],
    "fuzz": ["src", "tests"],
    "examples": ["src"],
    "include": ["src"],
}


def longest(path, table):
    """The longest of the table's paths that `path` is, or is in; None."""
    parts = path.split("/")
    return next((p for n in range(len(parts), 0, -1) if (p := "/".join(parts[:n])) in table), None)


def permits(places, room):
    return room in places or any(place.endswith("/") and f"{room}/".startswith(place) for place in places)


class Check:
    def __init__(self, root, allowed=None, private=None, rules=None):
        self.root = root
        self.allowed = ALLOWED if allowed is None else allowed
        self.private = PRIVATE if private is None else private
        self.rules = RULES if rules is None else rules
        self.found = []
        self.used = {folder: set() for folder in [*self.private, *self.allowed]}
        self.kept = [set() for _ in self.rules]

    def run(self):
        rooms = set()
        for top in LOOKED_IN:
            for path in sorted((self.root / top).rglob("*.[ch]pp")):
                name, text = path.relative_to(self.root).as_posix(), path.read_text()
                if top == "src":
                    rooms.add(os.path.dirname(name)[len("src/"):])
                    self.source(name, text)
                for include in INCLUDE.findall(text):
                    self.include(top, name, include)
        self.complain_of_what_is_unused(rooms)
        return self.found

    def source(self, name, text):
        room = os.path.dirname(name)[len("src/"):]
        text = COMMENT.sub("", text)
        if longest(room, NO_CLOCK) and CLOCK.search(text):
            self.found.append(f"{name}: {longest(room, NO_CLOCK)} must not read a clock")
        for (pattern, files, why), kept in zip(self.rules, self.kept):
            if (match := re.search(pattern, text)) and name[len("src/"):] in files:
                kept.add(name[len("src/"):])
            elif match:
                where = ", ".join(sorted(files)) or "nowhere"
                self.found.append(f"{name}: {match.group()} belongs to {where}: {why}")

    def include(self, top, name, include):
        target = self.resolve(top, name, include)
        home = target.split("/")[0] if target else None
        if home in ("tests", "fuzz") and top not in ("tests", "fuzz"):
            self.found.append(f"{name}: {include} is a test's; {top}/ includes nothing of tests/ and fuzz/")
        elif top == "src":
            self.of_src(name, include, target, home)
        elif top in self.private:
            if home not in (None, "include", top): self.of_program(name, include, target)
        elif top in ("examples", "include"):
            if include[0] == '"' or home == "src":
                self.found.append(f"{name}: {top}/ includes only <flare/...>, not {include}")
        elif home == "src":
            self.of_test(name, include, os.path.dirname(target)[len("src/"):])

    def resolve(self, top, name, include):
        """The path of what is included, from the root; None: not ours."""
        beside = [os.path.dirname(name)] if include[0] == '"' else []
        for folder in beside + LOOKED_IN[top] + ["include"]:
            path = os.path.normpath(f"{folder}/{include[1:-1]}")
            if (self.root / path).is_file(): return path
        return None

    def of_src(self, name, include, target, home):
        own = os.path.dirname(name)[len("src/"):]
        if own not in self.allowed: return  # that it has no row is said once, below
        if home == "src":
            other = os.path.dirname(target)[len("src/"):]
            self.used[own].add(other)
            if other != own and not permits(self.allowed[own], other):
                self.found.append(f"{name}: {own} must not include {include}; ALLOWED in scripts/check_layers.py has "
                                  f"what it may: {', '.join(sorted(self.allowed[own])) or 'nothing'}")
        elif home not in (None, "include"):
            self.found.append(f"{name}: src/ includes nothing of {home}/, not {include}")
        for pattern, places in KEPT_OUT.items():
            if re.match(pattern, include) and not permits(places, own):
                self.found.append(f"{name}: {include} belongs to {', '.join(sorted(places))}")

    def of_program(self, name, include, target):
        folder = longest(os.path.dirname(name), self.private)
        header = target.removeprefix("src/")
        if header in self.private[folder]:
            self.used[folder].add(header)
        else:
            self.found.append(f"{name}: {include} is private. {folder}/ includes <flare/...> and what PRIVATE in "
                              "scripts/check_layers.py names; a new name there needs a reason")

    def of_test(self, name, include, room):
        folder = os.path.dirname(name)
        row = longest(folder, TESTS)
        if row:
            fits = longest(room, TESTS[row])
        else:
            own = UNIT_ROOMS.get(folder, folder.removeprefix("tests/unit/"))
            row = longest(own, self.allowed) if folder.startswith("tests/unit/") else None
            fits = row is None or longest(room, {row}) or permits(self.allowed[row], room) or \
                room in UNIT_ALSO.get(folder, set())
        if not fits: self.found.append(f"{name}: a test of {row} must not include {include}")

    def complain_of_what_is_unused(self, rooms):
        for room in sorted(rooms - set(self.allowed)):
            self.found.append(f"src/{room}: has no row. Add one to ALLOWED in scripts/check_layers.py: what its files "
                              "may include beside themselves; and name it in the rows of those that may include it")
        for room in sorted(set(self.allowed) - rooms):
            self.found.append(f"scripts/check_layers.py: src/{room} has no files; take its row out of ALLOWED")
        for room in sorted(rooms & set(self.allowed)):
            for other in sorted(o for o in self.allowed[room] - self.used[room] if "/" in o[:-1]):
                self.found.append(f"scripts/check_layers.py: {room} includes nothing of {other} any more; take that "
                                  "out of its row in ALLOWED")
        for folder, headers in self.private.items():
            for header in sorted(set(headers) - self.used[folder]):
                self.found.append(f"scripts/check_layers.py: {folder}/ includes {header} no more (or it has another "
                                  "name now); take it out of PRIVATE")
        for (pattern, files, _), kept in zip(self.rules, self.kept):
            for file in sorted(files - kept):
                self.found.append(f"scripts/check_layers.py: src/{file} has no {pattern}; take it out of RULES")


def self_test():
    """Plants one mistake at a time in a small tree, and expects the complaint."""
    allowed = {room: {other for other in ALLOWED[room] if "/" not in other}
               for room in ("base", "wire", "session", "transport", "transport/tls")}
    allowed |= {"transport/quic": {"transport/tls"}, "server": {"session"}, "client": {"session", "transport/quic"},
                "client/loop": {"client/"}, "client/connect": {"base"}}
    private = {"apps": {"base/x.hpp"}, "bench": {"wire/x.hpp"}, "bench/micro": {"session/x.hpp"}}
    rules = [(r"->post\(", {"server/x.cpp"}, "one place posts")]
    good = {f"src/{room}/x.hpp": "" for room in allowed} | {
        "include/flare/client.hpp": "",
        "tests/support/x.hpp": "",
        "src/transport/quic/x.cpp": '#include "transport/tls/x.hpp"',
        "src/client/x.cpp": '#include "session/x.hpp"\n#include "x.hpp"\n#include <flare/client.hpp>\n// ->post(',
        "src/client/x.hpp": '#include "transport/quic/x.hpp"',
        "src/client/loop/x.cpp": '#include "client/x.hpp"\n#include "client/connect/x.hpp"\n#include <boost/asio.hpp>',
        "src/server/x.cpp": "worker->post(task);",
        "apps/flare/x.cpp": '#include "base/x.hpp"\n#include <boost/json.hpp>',
        "bench/x.cpp": '#include "wire/x.hpp"',
        "bench/micro/x.cpp": '#include "session/x.hpp"',
        "tests/unit/wire/x.cpp": '#include "wire/x.hpp"\n#include "base/x.hpp"\n#include "support/x.hpp"',
        "tests/unit/quic/x.cpp": '#include "transport/tls/x.hpp"',
        "tests/sim/x.cpp": '#include "session/x.hpp"',
    }
    bad = [
        ("src/session/y.cpp", '#include "client/x.hpp"', "session must not include"),
        ("src/session/y.cpp", '#include "../client/x.hpp"', "session must not include"),
        ("src/session/y.cpp", "#include <client/x.hpp>", "session must not include"),
        ("src/server/y.cpp", '#include "client/x.hpp"', "server must not include"),
        ("src/base/y.hpp", '#  include "wire/x.hpp"', "base must not include"),
        ("src/transport/y.cpp", '#include "quic/x.hpp"', "transport must not include"),
        ("src/transport/tls/y.cpp", '#include "transport/quic/x.hpp"', "transport/tls must not include"),
        ("src/client/connect/y.cpp", '#include "client/x.hpp"', "client/connect must not include"),
        ("src/transport/y.cpp", '#include "client/x.hpp"', "transport must not include"),
        ("src/session/y.cpp", "#include <boost/asio/io_context.hpp>", "belongs to client"),
        ("src/transport/tls/y.cpp", "#include <boost/asio/io_context.hpp>", "belongs to client"),
        ("src/client/y.cpp", "#include <openssl/ssl.h>", "belongs to transport/tls"),
        ("src/transport/quic/y.cpp", "#include <openssl/ssl.h>", "belongs to transport/tls"),
        ("src/server/y.cpp", "#include <flare/client.hpp>", "belongs to client"),
        ("src/wire/y.cpp", "auto t = std::chrono::steady_clock::now();", "must not read a clock"),
        ("src/transport/http3/y.cpp", "", "has no row. Add one"),
        ("src/store/y.cpp", '#include "server/x.hpp"', "has no row. Add one"),
        ("src/transport/quic/x.cpp", "", "quic includes nothing of transport/tls any more"),
        ("src/client/y.cpp", "each->post(task);", "belongs to server/x.cpp: one place posts"),
        ("src/server/x.cpp", "", "take it out of RULES"),
        ("src/base/y.cpp", '#include "../../apps/flare/x.cpp"', "src/ includes nothing of apps/"),
        ("src/base/y.cpp", '#include "../../tests/support/x.hpp"', "is a test's"),
        ("apps/flare/y.cpp", '#include "../../tests/support/x.hpp"', "is a test's"),
        ("apps/flare/y.cpp", '#include "server/x.hpp"', "is private. apps/ includes"),
        ("apps/flare/x.cpp", "", "take it out of PRIVATE"),
        ("bench/y.cpp", '#include "session/x.hpp"', "is private. bench/ includes"),
        ("bench/micro/y.cpp", '#include "wire/x.hpp"', "is private. bench/micro/ includes"),
        ("examples/y.cpp", '#include "base/x.hpp"', "examples/ includes only"),
        ("include/flare/y.hpp", "#include <base/x.hpp>", "include/ includes only"),
        ("tests/unit/wire/y.cpp", '#include "session/x.hpp"', "a test of wire must not include"),
        ("tests/unit/quic/y.cpp", '#include "session/x.hpp"', "a test of transport must not include"),
        ("tests/sim/y.cpp", '#include "client/x.hpp"', "a test of tests/sim must not include"),
    ]

    def complaints(files, rooms=allowed):
        with tempfile.TemporaryDirectory() as folder:
            for name, text in files.items():
                path = pathlib.Path(folder, name)
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text)
            return Check(pathlib.Path(folder), rooms, private, rules).run()

    assert complaints(good) == [], complaints(good)
    for name, text, expected in bad:
        said = complaints(good | {name: text})
        assert len(said) == 1 and expected in said[0], (name, text, expected, said)
    assert "take its row out" in complaints(good, allowed | {"gone": set()})[0]


if __name__ == "__main__":
    self_test()
    if "--self-test" not in sys.argv:
        found = Check(ROOT).run()
        print("\n".join(found) or "layers: no arrow points up")
        sys.exit(1 if found else 0)
