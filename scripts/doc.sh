#!/usr/bin/env bash
# Reference pages of the public headers by Doxygen, into build/doc. A warning is an error, and so is a class, a struct or an
# enumeration without a word about it.
set -euo pipefail
cd "$(dirname "$0")/.."
command -v doxygen >/dev/null || { echo "doc: doxygen is missing; scripts/setup.sh installs it"; exit 1; }
mkdir -p build/doc
doxygen docs/Doxyfile
silent=$({ cat docs/Doxyfile; printf 'WARN_IF_UNDOCUMENTED = YES\nWARN_AS_ERROR = NO\nGENERATE_HTML = NO\nGENERATE_XML = YES\nXML_OUTPUT = undocumented\n'; } |
    doxygen - 2>&1 | grep -E 'Compound .* is not documented|\(enumeration\) .* is not documented' || true)
rm -rf build/doc/undocumented
if [ -n "$silent" ]; then
    printf '%s\n' "$silent"
    echo "doc: say in a comment what these are"
    exit 1
fi
echo "doc: build/doc/index.html"
