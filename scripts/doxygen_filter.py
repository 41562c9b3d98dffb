#!/usr/bin/env python3
"""Doxygen's input filter: plain comments of a header become documentation; their text and their lines stay.

    doxygen_filter.py HEADER

`// text` above a declaration is about it, `code;  // text` about what stands before it. The comment that opens a file is
about the file, and about its class of the same name and that one's builder, where these have none. Indented code in a
comment stays code.
"""
import pathlib
import re
import sys

TRAILING = re.compile(r"^(?P<code>.*?[^\s/].*?)\s{2,}// (?P<text>.*)$")
WHOLE = re.compile(r"^(?P<indent>\s*)//(?: (?P<text>.*))?$")
CLASS = re.compile(r"^(?:class|struct) (?:FLARE_EXPORT )?(?P<name>\w+) \{")
NO_TEXT = re.compile(r"^(NOLINT|clang-format|----)")


def escaped(text):
    """Without what Doxygen would take for a command, a tag or a link."""
    return text if text.startswith("    ") else re.sub(r"([@\\<>#%])", r"\\\1", text)


def filtered(name, text):
    opening, in_opening, before = [], True, ""
    own = {name.title(), f"{name.title()}Builder"}
    for line in text.splitlines():
        whole, trailing, kind = WHOLE.match(line), TRAILING.match(line), CLASS.match(line)
        if whole:
            comment = whole["text"] or ""
            if in_opening:
                opening.append(comment)
            yield "" if NO_TEXT.match(comment) else f"{whole['indent']}/// {escaped(comment)}"
        elif line == "#pragma once":
            yield "/// @file"
        elif trailing and NO_TEXT.match(trailing["text"]):
            yield trailing["code"]
        elif trailing and not trailing["code"].lstrip().startswith(("}", "#")):
            yield f"{trailing['code']}  /**< {escaped(trailing['text'])} */"
        elif kind and kind["name"] in own and not before.startswith("//"):
            yield f"/** {escaped(opening[0])} {escaped(' '.join(opening[1:opening.index('')] if '' in opening else []))} */ {line}"
        else:
            yield line
        in_opening = in_opening and bool(whole)
        before = line


if __name__ == "__main__":
    path = pathlib.Path(sys.argv[1])
    print("\n".join(filtered(path.stem, path.read_text(encoding="utf-8"))))
