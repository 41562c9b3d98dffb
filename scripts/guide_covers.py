#!/usr/bin/env python3
"""The guide speaks of every call of the builders, the client and the server, of every event and every field of a result.

    guide_covers.py
"""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
GUIDES = ["docs/guide.md", "docs/guide.zh-CN.md"]
# What is named: in which header, in which class or struct, by which pattern.
METHOD = r"^    (?:[A-Z]\w*|std::[\w:]+|void|bool)(?:<.*>)?&? (\w+)\("
FIELD = r"^    [\w:<>]+ (\w+)(?: =|\{|;)"
WANTED = [
    ("client.hpp", "Client", METHOD), ("client.hpp", "ClientBuilder", METHOD), ("client.hpp", "ServerAddresses", METHOD),
    ("client.hpp", "SendResult", FIELD), ("client.hpp", "ProtocolRacingConfig", FIELD), ("message.hpp", "Message", FIELD),
    ("session_pool.hpp", "SessionPool", METHOD), ("session_pool.hpp", "SessionPoolOptions", FIELD),
    ("server.hpp", "Server", METHOD), ("server.hpp", "ServerBuilder", METHOD),
    ("server.hpp", "EventHandler", r"^    virtual void (\w+)\("),
]


def body_of(header, name):
    text = (ROOT / "include" / "flare" / header).read_text()
    begin = re.search(rf"^(?:class|struct) (?:FLARE_EXPORT )?{name}\b[^;]*?\{{$", text, re.M)
    body = text[begin.end():text.index("\n};", begin.end())]
    return body.split("\nprivate:")[0]


def main():
    names = {(name, found) for header, name, pattern in WANTED for found in re.findall(pattern, body_of(header, name), re.M)}
    events = (ROOT / "include" / "flare" / "events.hpp").read_text()
    names |= {("event", found) for found in re.findall(r"^struct (\w+) \{", events, re.M)}
    missing = []
    for guide in GUIDES:
        words = set(re.findall(r"\w+", (ROOT / guide).read_text()))
        missing += [f"{guide}: says nothing of {owner}::{name}" for owner, name in sorted(names) if name not in words]
    print("\n".join(missing) or f"guide: speaks of all {len(names)} names")
    sys.exit(1 if missing else 0)


if __name__ == "__main__":
    main()
