#!/usr/bin/env python3
"""Draws docs/silence.svg from the table of docs/racing.md: how long each system was silent when the network failed.

    silence_picture.py --write | --check
"""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
SOURCE, PICTURE = ROOT / "docs" / "racing.md", ROOT / "docs" / "silence.svg"
COLUMNS = ["another address", "transport in use dropped, 20 s"]
LEFT, BAR, WIDTH, ROW = 190, 380, 760, 24


def rows():
    """[(system, [cell of each column])]"""
    lines = SOURCE.read_text().splitlines()
    head = next(i for i, line in enumerate(lines) if line.startswith("| longest silence; "))
    names = [cell.strip() for cell in lines[head].strip("|").split("|")]
    wanted = [names.index(column) for column in COLUMNS]
    found = []
    for line in lines[head + 2:]:
        if not line.startswith("|"):
            return found
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        found.append((cells[0], [cells[i] for i in wanted]))
    return found


def picture():
    systems = rows()
    seconds = [[float(re.search(r"[\d.]+", cell)[0]) for cell in cells] for _, cells in systems]
    out, y = [], 30
    for column, title in enumerate(COLUMNS):
        longest = max(row[column] for row in seconds)
        out.append(f'<text class="title" x="8" y="{y}">{title}</text>')
        y += 10
        for (system, cells), values in zip(systems, seconds):
            width = max(1.5, values[column] / longest * BAR)
            kind = "ours" if system.startswith("Flare") else "theirs"
            out.append(f'<text x="{LEFT - 8}" y="{y + 15}" text-anchor="end">{system}</text>')
            out.append(f'<rect class="{kind}" x="{LEFT}" y="{y + 3}" width="{width:.1f}" height="{ROW - 8}"/>')
            told = cells[column].replace(">", "&gt;")
            out.append(f'<text x="{LEFT + width + 6:.1f}" y="{y + 15}">{told}</text>')
            y += ROW
        y += 30
    body = "\n".join(out)
    return f"""<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {y - 20}" role="img"
 aria-label="Longest silence of each system when the network fails">
<style>
text {{ font: 12px sans-serif; fill: #24292f }}
.title {{ font-weight: bold }}
.ours {{ fill: #1a7f37 }}
.theirs {{ fill: #8c959f }}
@media (prefers-color-scheme: dark) {{ text {{ fill: #c9d1d9 }} }}
</style>
{body}
</svg>
"""


def main():
    wanted = picture()
    if sys.argv[1:] == ["--write"]:
        PICTURE.write_text(wanted)
    elif sys.argv[1:] != ["--check"]:
        sys.exit(__doc__)
    elif not PICTURE.exists() or PICTURE.read_text() != wanted:
        sys.exit("docs/silence.svg is not what docs/racing.md says; scripts/silence_picture.py --write draws it anew")


if __name__ == "__main__":
    main()
