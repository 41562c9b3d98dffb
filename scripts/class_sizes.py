#!/usr/bin/env python3
"""No class of include/, src/ and apps/ has more than 35 functions or 20 data members, by universal-ctags.

    class_sizes.py           fails when one has more, or when EXCEPTIONS below says what is no longer so
    class_sizes.py --list    all classes, the largest first
    class_sizes.py --self-test

What counts is what stands in the body of the class, so a function that is declared in a header and defined elsewhere
counts once, and a class whose functions are spread over files is one class.
Functions: each overload, constructor, operator and template; static and private ones, too. Not: destructors, what is
`= default` or `= delete`, friends, what is inherited, and the functions of a class inside this one, which is another.
Data members: those of each object; `static` ones are not.
"""
import collections
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
PLACES = ["include", "src", "apps"]
MOST_FUNCTIONS, MOST_MEMBERS = 35, 20
LIMITS = [(MOST_FUNCTIONS, "functions"), (MOST_MEMBERS, "data members")]

# Class: (functions, data members, why): what it has where that is above the limit, else None. These figures are
# ceilings and only shrink: a class that got smaller gets a smaller one, a class within the limits has no line.
TO_BE_SPLIT = "to be split"
EXCEPTIONS = {
    "flare::client::Connectivity": (39, None, "one state machine: a function for each event and each decision"),
    "flare::transport::quic::Connection": (57, 51, TO_BE_SPLIT),
    "flare::transport::quic::Endpoint": (38, None, TO_BE_SPLIT),  # its turn and timers, or its table of connections
    "flare::transport::websocket::Connection": (41, 27, TO_BE_SPLIT),  # reading, and what waits to be written
    # What users see, by name.
    "flare::ServerBuilder": (84, None, "public builder: a setter for each option, named for users"),
    "flare::ClientBuilder": (42, None, "public builder: a setter for each option, named for users"),
    "flare::Client": (39, None, "public calls, and the parts that have the others"),
    "flare::Conversations": (50, None, "public calls: each blocking and as a coroutine"),
    "flare::ServerStats": (None, 40, "statistics that users read"),
    # What is behind that.
    "flare::Server::Impl": (40, None, "what is behind Server: a function for each of its own"),
    "flare::server::Config": (None, 53, "plain aggregate: what ServerBuilder was told"),
    "flare::client::ConversationList": (39, None, TO_BE_SPLIT),  # what the user has chosen and marked
    "flare::client::ConversationList::State": (None, 23, TO_BE_SPLIT),  # likewise
    "flare::client::Feeds": (36, None, TO_BE_SPLIT),  # what is told, or what is asked
    "flare::client::Sync": (38, None, TO_BE_SPLIT),  # passes of pages, or what users choose
    "flare::client::Config": (None, 26, "plain aggregate: what ClientBuilder was told"),
    "flare::im::Limits": (None, 22, "plain aggregate: limits of conversations, of which each is configured or tested"),
    "flare::store::memory::Data": (37, None, TO_BE_SPLIT),  # what users choose and mention, or the log
    "flare::store::sqlite::SqliteReader": (37, None, TO_BE_SPLIT),  # what people are, or the log
    "flare::session::Settings": (None, 23, "plain aggregate: limits and times of a session"),
    "flare::base::LineWriter::Core": (None, 21, "what a thread shares with those that write and forked processes"),
}

CLASSES = {"class", "struct", "union"}
FRIEND = re.compile(r"/\^\s*friend\b")


def sizes(root):
    """{class: [functions, members]}; a class in an unnamed namespace is called (file)::Name."""
    command = ["ctags", "--options=NONE", "--output-format=json", "--fields=*", "--fields-C++=*", "--kinds-C++=csumpf",
               "--languages=C++", "-R", "-f", "-", *(p for p in PLACES if (root / p).is_dir())]
    try:
        made = subprocess.run(command, cwd=root, capture_output=True, text=True)
    except FileNotFoundError:
        sys.exit("class_sizes: there is no ctags: apt-get install universal-ctags (scripts/setup.sh does)")
    if made.returncode != 0:
        sys.exit(f"class_sizes: this takes Debian's universal-ctags (with JSON): {made.stderr.strip()}")
    found = {}
    parts = []
    for tag in map(json.loads, made.stdout.splitlines()):
        scope = tag.get("scope", "")
        unnamed = f"({tag['path']})"
        if tag["kind"] in CLASSES:
            found.setdefault(named(f"{scope}::{tag['name']}" if scope else tag["name"], unnamed), [0, 0])
        elif tag.get("scopeKind") in CLASSES:
            parts.append((named(scope, unnamed), tag))
    for name, tag in parts:
        properties = tag.get("properties", "").split(",")
        if name not in found or "access" not in tag: continue  # defined outside of the body that declares it
        if FRIEND.match(tag["pattern"]) or tag["name"].startswith("__anon"): continue  # a lambda of an initializer
        if tag["kind"] == "member":
            found[name][1] += "static" not in properties
        elif not tag["name"].startswith("~") and not {"default", "delete"} & set(properties):
            found[name][0] += 1
    return found


def named(name, unnamed):
    """ctags calls what has no name __anon and a number of its own."""
    return re.sub(r"__anon\w+", unnamed, name)


def check(found, exceptions):
    said = []
    for name, counts in sorted(found.items()):
        *ceilings, why = exceptions.get(name, (None, None, ""))
        for count, ceiling, (most, of) in zip(counts, ceilings, LIMITS):
            if count > (ceiling or most):
                exception = f" (an exception: {why})" if ceiling else ""
                said.append(f"{name} has {count} {of}, {ceiling or most} at most{exception}: "
                            "give a part of its work a class of its own")
            elif ceiling and count <= most:
                said.append(f"{name} has {count} {of} and needs no exception for them: take it out of EXCEPTIONS")
            elif ceiling and count < ceiling:
                said.append(f"{name} has {count} {of}: its ceiling of {ceiling} in EXCEPTIONS comes down to that")
    said += [f"{name} is no class any more: take it out of EXCEPTIONS" for name in sorted(set(exceptions) - set(found))]
    return said


def largest(found, exceptions):
    within = {name: counts for name, counts in found.items() if name not in exceptions}
    names = [max(within, key=lambda n: within[n][i]) for i in range(len(LIMITS))]
    return ", ".join(f"{name} with {within[name][i]} {LIMITS[i][1]}" for i, name in enumerate(names))


def self_test():
    functions = "\n".join(f"void f{n}(int);" for n in range(MOST_FUNCTIONS - 3))
    body = f"""class Big {{ public:
        Big(); ~Big(); Big(const Big&) = delete; Big(Big&&) = default;
        {functions}
        void f0(long) const;
        template <class T> T made(T from) {{ return from; }}
        friend bool operator==(const Big&, const Big&);
        friend bool operator<(const Big& a, const Big& b) {{ return &a < &b; }}
        std::function<void(int)> called_ = [](int) {{}};
        static constexpr int kMost = 3;
        struct Inner {{ int a; int b; void inside(); }};
        """
    members = "\n".join(f"int m{n}_ = 0;" for n in range(MOST_MEMBERS - 1))
    small = {"src/a.hpp": f"namespace x {{ {body} {members} }}; }}",
             "src/b.cpp": "namespace x { void Big::f0(int) {} }",
             "src/c.cpp": "namespace { struct Big { int a; }; }"}
    most = [MOST_FUNCTIONS, MOST_MEMBERS]

    def counted(files):
        with tempfile.TemporaryDirectory() as folder:
            for file, text in files.items():
                os.makedirs(os.path.dirname(f"{folder}/{file}"), exist_ok=True)
                pathlib.Path(folder, file).write_text(text)
            return sizes(pathlib.Path(folder))

    found = counted(small)
    assert found == {"x::Big": most, "x::Big::Inner": [1, 2], "(src/c.cpp)::Big": [0, 1]}, found
    assert check(found, {}) == []
    more = counted(small | {"src/a.hpp": f"namespace x {{ {body} {members} void g(); int more_; }}; }}"})
    assert more["x::Big"] == [most[0] + 1, most[1] + 1], more
    said = [text.split(",")[0] for text in check(more, {})]
    assert said == [f"x::Big has {most[0] + 1} functions", f"x::Big has {most[1] + 1} data members"], said
    assert check(more, {"x::Big": (most[0] + 1, most[1] + 1, "why")}) == []
    assert "comes down" in check(more, {"x::Big": (most[0] + 2, most[1] + 1, "why")})[0]
    assert "needs no exception" in check(found, {"x::Big": (most[0] + 1, None, "why")})[0]
    assert "no class any more" in check(found, {"x::Gone": (most[0] + 1, None, "why")})[0]


def main():
    if "--self-test" in sys.argv: return self_test()
    found = sizes(ROOT)
    if "--list" in sys.argv:
        for name, counts in sorted(found.items(), key=lambda each: (-max(each[1]), -sum(each[1]), each[0])):
            exception = "  (exception)" if name in EXCEPTIONS else ""
            print(f"{counts[0]:4} functions {counts[1]:4} data members  {name}{exception}")
        return
    self_test()
    said = check(found, EXCEPTIONS)
    for text in said: print(text)
    print(f"class sizes: {len(found)} classes, {len(EXCEPTIONS)} exceptions; the largest of the others: "
          f"{largest(found, EXCEPTIONS)}")
    sys.exit(1 if said else 0)


if __name__ == "__main__":
    main()
