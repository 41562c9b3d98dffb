#!/usr/bin/env python3
"""Every relative link in a Markdown file leads to a file that exists, and every anchor to a heading of it.

    check_links.py [--self-test]
"""
import pathlib
import re
import subprocess
import sys
import urllib.parse

ROOT = pathlib.Path(__file__).resolve().parent.parent
LINK = re.compile(r"!?\[(?:[^\[\]]|\[[^\]]*\])*\]\(([^()\s]+)(?:\s+\"[^\"]*\")?\)")
HTML_LINK = re.compile(r"(?:href|src|srcset)=\"([^\"]+)\"")
HEADING = re.compile(r"^#{1,6} +(.*?) *#*$")


def prose(text):
    """The lines outside of fenced blocks, without inline code."""
    fenced = False
    for number, line in enumerate(text.splitlines(), 1):
        if line.lstrip().startswith("```"):
            fenced = not fenced
        elif not fenced:
            yield number, line


def anchors_of(text):
    """What GitHub makes of headings: lower case, spaces to hyphens, no punctuation; repeats are numbered."""
    found = set()
    for _, line in prose(text):
        found.update(re.findall(r"<a (?:id|name)=\"([^\"]+)\"", line))
        heading = HEADING.match(line)
        if not heading:
            continue
        plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading[1])
        slug = re.sub(r"[^\w\- ]", "", plain.lower()).replace(" ", "-")
        name, again = slug, 0
        while name in found:
            again += 1
            name = f"{slug}-{again}"
        found.add(name)
    return found


def problems_of(path, text, exists, read):
    for number, line in prose(text):
        line = re.sub(r"`[^`]*`", lambda code: re.sub(r"[\[\]()]", "", code[0]), line)
        for target in LINK.findall(line) + HTML_LINK.findall(line):
            if re.match(r"[a-z][a-z0-9+.-]*:", target):
                continue  # another site: not looked at
            name, _, anchor = urllib.parse.unquote(target).partition("#")
            wanted = path if not name else path.parent / name
            if not exists(wanted):
                yield f"{path}:{number}: {target}: there is no such file"
            elif anchor and wanted.suffix == ".md" and anchor not in anchors_of(read(wanted)):
                yield f"{path}:{number}: {target}: no such heading"


def self_test():
    files = {"a.md": "# One\n## Two: `x`\n## Two: `x`\n", "d/b.md": "x"}

    def found(text, at="a.md"):
        def key(path):
            return str(pathlib.PurePosixPath(*[p for p in path.parts])).replace("d/../", "")
        return list(problems_of(pathlib.PurePosixPath(at), text, lambda p: key(p) in files, lambda p: files[key(p)]))

    assert found("[x](none.md)") and found("[x](#three)") and found("[`x`](d/c.md)") and found('<img src="n.svg">')
    assert found("[x](d/b.md#one)") and found("[a [b] c](none.md)")
    assert not found("[x](#one) [y](a.md#two-x-1) [z](d/b.md) [w](https://example.org/none)")
    assert not found("```\n[x](none.md)\n```\n`[x](none.md)`") and not found("[x](../a.md#one)", "d/b.md")


def main():
    self_test()
    if "--self-test" in sys.argv:
        return
    listed = subprocess.run(["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.md"],
                            cwd=ROOT, capture_output=True, text=True)
    if listed.returncode == 0:
        paths = [ROOT / line for line in listed.stdout.splitlines() if (ROOT / line).exists()]
    else:  # no checkout: an unpacked archive
        paths = [p for p in ROOT.rglob("*.md") if "node_modules" not in p.parts and "build" not in p.parts]
    found = []
    for path in sorted(set(paths)):
        found += problems_of(path, path.read_text(), pathlib.Path.exists, pathlib.Path.read_text)
    found = [line.removeprefix(f"{ROOT}/") for line in found]
    print("\n".join(found) or f"links: {len(paths)} documents, all lead somewhere")
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
