#!/usr/bin/env python3
"""What a libflare.so exports: public names of namespace flare and what is listed here, and it does export those that
programs need.     check_symbols.py LIBRARY"""
import re
import subprocess
import sys

# Of a version script, of Asio (cmake/flare.map.in says why), of the language.
ALLOWED = re.compile(
    r"^(vtable for |typeinfo for |typeinfo name for )?flare::(event::)?"
    r"(Bytes|Uuid|Client|ClientBuilder|SessionPool|Server|ServerBuilder|EventHandler)(::|$)"
    r"|^flare::(name|explain|printable|to_string|make_error_code|make_error_condition|flare_category|flare_condition_category"
    r"|throw_exception_from_error|anonymous_auth|static_token_auth|jwt_auth|http_auth)(\[abi:cxx11\])?\("
    r"|^(TLS init function for )?boost::asio::detail::keyword_tss_ptr<.*>::value_$"
    r"|^FLARE_\d+\.\d+$")
PRIVATE = re.compile(r"::(Impl|State)\b|flare::(client|server|session|wire|transport|auth|racing|base)::")
NEEDED = ["flare::Client::connect()", "flare::ServerBuilder::build() const", "flare::Uuid::v7()",
          "flare::name(flare::errc)"]


def main(library):
    listing = subprocess.run(["nm", "-DC", "--defined-only", library], check=True, capture_output=True, text=True)
    names = {re.sub(r"@@.*$", "", line.split(" ", 2)[2]) for line in listing.stdout.splitlines()}
    wrong = sorted(name for name in names if not ALLOWED.match(name) or PRIVATE.search(name.split("(")[0]))
    missing = [name for name in NEEDED if name not in names]
    for name in wrong:
        print(f"exported, and not public: {name}")
    for name in missing:
        print(f"not exported: {name}")
    print(f"symbols: {len(names)} exported")
    return 1 if wrong or missing else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
