#!/usr/bin/env python3
"""The C++ in the guide and the READMEs is code that is compiled and run: regions of docs/snippets/*.cpp.

    snippets.py --check    every fenced block is what its source says, every region stands in the English guide
    snippets.py --write    puts the sources' text into the documents

A document names the region before the block; without a name it is the whole file:

    <!-- snippet: send.cpp result -->
    ```cpp
    ...
    ```

A source marks it with the lines `// snippet: result` and `// end`. Blocks of C++ without such a line are refused. What a
program has recorded stands below `<!-- text: docs/FILE.txt -->` in the same way, whole.
"""
import pathlib
import re
import sys
import textwrap

ROOT = pathlib.Path(__file__).resolve().parent.parent
SNIPPETS = ROOT / "docs" / "snippets"
GUIDE = ROOT / "docs" / "guide.md"
DOCUMENTS = [GUIDE, ROOT / "docs" / "guide.zh-CN.md", ROOT / "README.md", ROOT / "README.zh-CN.md"]
MARK = re.compile(r"^<!-- (?:snippet: (?P<source>\S+)(?: (?P<region>\S+))?|text: (?P<text>\S+)) -->$")


def regions_of(text):
    """{name: text}; the name None is the whole file."""
    found, name, lines = {None: text}, None, []
    for line in text.splitlines():
        stripped = line.strip()
        if stripped.startswith("// snippet: "):
            name, lines = stripped.split(": ", 1)[1], []
        elif stripped == "// end" and name:
            found[name], name = textwrap.dedent("\n".join(lines)) + "\n", None
        elif name:
            lines.append(line)
    if name:
        raise ValueError(f"the region {name} has no end")
    return found


def rewritten(path, text, sources, used, problems):
    """The document with every named block as its source has it."""
    out, lines, at = [], text.splitlines(), 0
    while at < len(lines):
        line = lines[at]
        out.append(line)
        at += 1
        mark = MARK.match(line)
        if not mark:
            if line.startswith("```cpp"):
                problems.append(f"{path}:{at}: C++ that no program of docs/snippets has")
            elif line.startswith("```"):  # another language: its lines are not ours
                while at < len(lines) and not lines[at].startswith("```"):
                    out.append(lines[at])
                    at += 1
                out += lines[at:at + 1]
                at += 1
            continue
        if mark["text"]:
            fence, recorded = "```text", ROOT / mark["text"]
            block = recorded.read_text() if recorded.exists() else None
        else:
            fence, key = "```cpp", (mark["source"], mark["region"])
            used.add(key)
            block = sources.get(key)
        if block is None:
            problems.append(f"{path}:{at}: {mark[0]}: there is none")
            continue
        if at < len(lines) and lines[at] == fence:
            end = at + 1
            while end < len(lines) and lines[end] != "```":
                end += 1
            at = end + 1
        out += [fence, *block.rstrip("\n").split("\n"), "```"]
    return "\n".join(out) + "\n"


def main():
    write = sys.argv[1:] == ["--write"]
    if not write and sys.argv[1:] != ["--check"]:
        sys.exit(__doc__)
    sources, problems = {}, []
    for path in sorted(SNIPPETS.glob("*.cpp")):
        for name, text in regions_of(path.read_text()).items():
            sources[(path.name, name)] = text
    for path in filter(pathlib.Path.exists, DOCUMENTS):
        used, text = set(), path.read_text()
        wanted = rewritten(path.relative_to(ROOT), text, sources, used, problems)
        if write:
            path.write_text(wanted)
        elif wanted != text:
            problems.append(f"{path.relative_to(ROOT)}: differs from its sources; scripts/snippets.py --write mends it")
        shown = [line for line in text.splitlines() if MARK.match(line)]
        if path.name.endswith(".zh-CN.md"):
            english = path.with_name(path.name.replace(".zh-CN", "")).read_text()
            if shown != [line for line in english.splitlines() if MARK.match(line)]:
                problems.append(f"{path.relative_to(ROOT)}: has not the same snippets in the same order as the English one")
        if path == GUIDE:
            for source, name in sorted((s, n) for s, n in sources if n and (s, n) not in used):
                problems.append(f"docs/snippets/{source}: the guide does not show the region {name}")
    print("\n".join(problems) or f"snippets: {len(sources)} sources and regions, the documents agree")
    sys.exit(1 if problems else 0)


if __name__ == "__main__":
    main()
