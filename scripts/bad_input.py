#!/usr/bin/env python3
"""Counts what is tested with malformed or hostile input, and keeps the table of docs/testing.md.

    bad_input.py --write | --check | --list

What counts: a test whose full name (Suite.Name) has one of WORDS; a file of a fuzz target's committed corpus (an input
that every build replays, whatever is wrong with it); a golden frame docs/vectors/bad-*.txt. One test may try thousands of
inputs, so the figures are low. --list prints the tests.
"""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
DOCUMENT = ROOT / "docs" / "testing.md"
BEGIN, END = "<!-- scripts/bad_input.py --write: begin -->", "<!-- scripts/bad_input.py --write: end -->"
WORDS = ("Refuse Malformed Damaged Broken Hostile Garbage Invalid Wrong Forged Flipped TurnedOver Violation Liar Bomb Flood "
         "TooLarge TooLong TooMany MadeUp Copies Copied ACopy NotUtf8 AreNone ThatAreBad BadUpgrade Stranger "
         "CutAnywhere DoNotFit DoNotAddUp DoesNotAddUp").split()
TEST = re.compile(r"^TEST(?:_F|_P)?\(\s*(\w+),\s*(\w+)\)", re.M)


def bad_tests():
    """{layer: [names]}; the layer is the folder below tests/, or below tests/unit/."""
    found = {}
    for path in sorted((ROOT / "tests").rglob("*.cpp")):
        parts = path.relative_to(ROOT / "tests").parts
        layer = "/".join(parts[:2]) if parts[0] == "unit" else parts[0]
        for suite, name in TEST.findall(path.read_text()):
            if any(word in suite + name for word in WORDS):
                found.setdefault(layer, []).append(f"{suite}.{name}")
    return found


def table():
    tests = bad_tests()
    corpora = {folder.name: len(list(folder.iterdir())) for folder in sorted((ROOT / "fuzz" / "corpus").iterdir())}
    vectors = len(list((ROOT / "docs" / "vectors").glob("bad-*.txt")))
    lines = ["| tests in | with bad input | | fuzz target | committed inputs |", "|---|---|---|---|---|"]
    left = [(f"`{layer}`", str(len(names))) for layer, names in sorted(tests.items())]
    right = [(f"`{name}`", str(count)) for name, count in corpora.items()]
    for i in range(max(len(left), len(right))):
        a = left[i] if i < len(left) else ("", "")
        b = right[i] if i < len(right) else ("", "")
        lines.append(f"| {a[0]} | {a[1]} | | {b[0]} | {b[1]} |")
    total = sum(map(len, tests.values()))
    lines.append(f"| all | {total} | | all | {sum(corpora.values())} |")
    return "\n".join([*lines, "", f"And {vectors} golden frames that have to be refused with their code (`docs/vectors/bad-*.txt`)."])


def main():
    if sys.argv[1:] == ["--list"]:
        for layer, names in sorted(bad_tests().items()):
            print(*(f"{layer}: {name}" for name in names), sep="\n")
        return
    text = DOCUMENT.read_text()
    begin, end = text.index(BEGIN) + len(BEGIN), text.index(END)
    wanted = f"{text[:begin]}\n{table()}\n{text[end:]}"
    if sys.argv[1:] == ["--write"]:
        DOCUMENT.write_text(wanted)
    elif sys.argv[1:] != ["--check"]:
        sys.exit(__doc__)
    elif wanted != text:
        sys.exit("docs/testing.md: the table of bad input is out of date; scripts/bad_input.py --write mends it")


if __name__ == "__main__":
    main()
