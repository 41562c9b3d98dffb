#!/usr/bin/env python3
"""Public headers include the standard library, each other, Boost.Asio and Boost.System, and name no other type of
others: whoever uses Flare needs the headers of Boost and nothing else.     check_public_headers.py [FOLDER]"""
import pathlib
import re
import sys

INCLUDE = re.compile(r"^\s*#\s*include\s+([<\"])([^>\"]+)", re.M)
# boost::source_location is what boost::system::result passes to throw_exception_from_error.
BOOST = re.compile(r"\bboost::(?!asio\b|system\b|source_location\b)(\w+)")
OTHERS = re.compile(r"\b(spdlog|fmt|prometheus|protozero|CLI|toml|testing|google)::\w+"
                    r"|\b(SSL|SSL_CTX|X509|EVP_\w+|gnutls_\w+|ngtcp2_\w+|ZSTD_\w+|z_stream)\b")


def problems(name, text):
    code = re.sub(r"//[^\n]*|/\*.*?\*/", "", text, flags=re.S)
    for kind, path in INCLUDE.findall(code):
        ours = path.startswith("flare/")
        if kind == '"' or not (ours or path.startswith(("boost/asio/", "boost/system/")) or "/" not in path and "." not in path):
            yield f"{name}: includes {path}"
    for found in BOOST.finditer(code):
        yield f"{name}: names boost::{found.group(1)}"
    for found in OTHERS.finditer(code):
        yield f"{name}: names {found.group(0)}"
    if re.search(r"^#pragma once", text, re.M) is None:
        yield f"{name}: no #pragma once"


def self_test():
    for bad in ('#include <spdlog/spdlog.h>', '#include "wire/frame.hpp"', "#include <boost/json.hpp>", "#include <zlib.h>",
                "boost::json::value v;", "SSL_CTX* context;"):
        assert list(problems("x", "#pragma once\n" + bad)), bad
    good = "#pragma once\n// boost::json here\n#include <boost/asio/awaitable.hpp>\n#include <map>\nboost::system::error_code e;"
    assert not list(problems("x", good))


if __name__ == "__main__":
    self_test()
    folder = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parents[2] / "include/flare")
    headers = sorted(folder.glob("*.hpp"))
    found = [problem for header in headers for problem in problems(header.name, header.read_text())]
    print("\n".join(found) or f"public headers: {len(headers)}, of no others than Boost.Asio and Boost.System")
    sys.exit(1 if found or not headers else 0)
