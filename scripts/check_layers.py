#!/usr/bin/env python3
"""Who may include whom: the arrows of docs/architecture.md. Run without arguments; --self-test checks the check."""
import pathlib
import re
import sys

ALLOWED = {
    "base": set(),
    "wire": {"base"},
    "auth": {"wire", "base"},
    "session": {"wire", "base"},
    "transport": {"wire", "base"},
    "racing": {"base"},
    "flight": {"wire", "base"},
    "client": {"flight", "racing", "session", "transport", "wire", "base"},
    "server": {"auth", "flight", "session", "transport", "wire", "base"},
}
# Headers of others, and the only places where they may stand.
KEPT_OUT = {
    r"<boost/asio|<boost/beast|<sys/socket\.h>": {"transport", "client", "server"},
    r"<openssl/ssl\.h>": {"transport"},
    r"<boost/json": {"wire", "auth", "flight"},  # what is JSON by its own nature: frames, tokens, records
    r"<boost/url": {"client", "transport", "server"},
    r"<spdlog": {"base"},
    r"<prometheus": {"server"},
    r"<protozero": {"wire"},
    r"<zstd\.h>|<zdict\.h>": {"wire"},
    r"<zlib\.h>": {"wire", "transport"},
    r"<ngtcp2|<gnutls": {"transport/quic"},
}
# State machines take the time as an argument.
NO_CLOCK = {"session", "wire", "racing", "flight"}
INCLUDE = re.compile(r'^\s*#\s*include\s+([<"][^>"]+[>"])', re.M)


def problems_of(module, path, text):
    for include in INCLUDE.findall(text):
        target = include[1:-1].split("/")[0]
        if include[0] == '"' and target in ALLOWED and target != module and target not in ALLOWED[module]:
            yield f"{path}: {module} must not include {include}"
        for pattern, places in KEPT_OUT.items():
            if re.match(pattern, include) and not any(module == p or f"src/{p}/" in str(path) for p in places):
                yield f"{path}: {include} belongs to {', '.join(sorted(places))}"
    if module in NO_CLOCK and re.search(r"(steady|high_resolution|system)_clock::now\(", text):
        yield f"{path}: {module} must not read a clock"


def check(root):
    found = []
    for path in sorted((root / "src").rglob("*.[ch]pp")):
        module = path.relative_to(root / "src").parts[0]
        found += problems_of(module, path.relative_to(root), path.read_text())
    for path in sorted((root / "examples").glob("*.cpp")):
        for include in INCLUDE.findall(path.read_text()):
            if include[0] == '"':
                found.append(f"{path.relative_to(root)}: examples include only <flare/...>, not {include}")
    return found


def self_test():
    bad = [
        ("session", '#include "client/core.hpp"'),
        ("server", '#include "client/core.hpp"'),
        ("base", '#include "wire/frame.hpp"'),
        ("session", "#include <boost/asio/io_context.hpp>"),
        ("wire", "auto t = std::chrono::steady_clock::now();"),
        ("client", "#include <openssl/ssl.h>"),
    ]
    for module, text in bad:
        assert list(problems_of(module, pathlib.Path(f"src/{module}/x.cpp"), text)), text
    assert not list(problems_of("client", pathlib.Path("src/client/x.cpp"), '#include "session/types.hpp"'))


if __name__ == "__main__":
    self_test()
    if "--self-test" not in sys.argv:
        found = check(pathlib.Path(__file__).resolve().parent.parent)
        print("\n".join(found) or "layers: no arrow points up")
        sys.exit(1 if found else 0)
