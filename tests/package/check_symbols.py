#!/usr/bin/env python3
"""What libflare-core.so, libflare-client.so and libflare-server.so export, and that a process which has all three has one
of everything that can change.     check_symbols.py LIBRARY...

To programs: public names of namespace flare and what is listed here, and those that programs need are there. To each
other: names of core's rooms, under a version that no program is bound to."""
import re
import subprocess
import sys

# Of a version script, of Asio (cmake/flare.map.in says why), of the language.
ALLOWED = re.compile(
    r"^(vtable for |typeinfo for |typeinfo name for )?flare::(event::)?"
    r"(Bytes|Uuid|Client|ClientBuilder|Conversations|Invitations|Marks|Settings|Restrictions|Push|Signals|SessionPool|Server|ServerHooks|ServerBuilder|EventHandler|PushHandler)(::|$)"
    r"|^flare::(name|explain|printable|to_string|make_error_code|make_error_condition|flare_category|flare_condition_category"
    r"|throw_exception_from_error|anonymous_auth|static_token_auth|jwt_auth|http_auth|sqlite|check_store|back_up_store|restore_store)(\[abi:cxx11\])?\("
    r"|^(TLS init function for )?boost::asio::detail::keyword_tss_ptr<.*>::value_$")
HIDDEN = re.compile(r"::(Impl|State)\b|flare::(client|server|session|wire|transport|auth|racing|base)::")
# Instances of templates begin with what they return.
SHARED_ROOM = re.compile(
    r"^(vtable for |typeinfo for |typeinfo name for )?flare::(base|flight|model|session|sql|transport|wire)::"
    r"|^(void|boost::system::result<.*>) flare::wire::im::")
NEEDED = {"flare-core": ["flare::Uuid::v7()", "flare::name(flare::errc)"],
          "flare-client": ["flare::Client::connect()"],
          "flare-server": ["flare::ServerBuilder::build() const"]}
# Constants may be there twice.
CONSTANT = re.compile(r"::k[A-Z]\w*$|^(vtable|typeinfo|typeinfo name|VTT|construction vtable) for ")


def nm(library, *options):
    done = subprocess.run(["nm", "-C", "--defined-only", *options, library], check=True, capture_output=True, text=True)
    return [line.split(" ", 2)[1:] for line in done.stdout.splitlines()]


def allowed(name, version):
    if re.fullmatch(r"FLARE_\d+\.\d+", version):
        return ALLOWED.match(name) and not HIDDEN.search(name.split("(")[0])
    return re.fullmatch(r"FLARE_PRIVATE_\d+\.\d+\.\d+", version) and SHARED_ROOM.match(name)


def faults_of(library, exported):
    public = {name for name, version in exported if "PRIVATE" not in version}
    for name, version in sorted(exported):
        if not allowed(name, version):
            yield f"exported as {version or 'of no version'}, and must not be: {name}"
    for part, names in NEEDED.items():
        if part in library:
            yield from (f"not exported: {name}" for name in names if name not in public)
    if "flare-core" not in library and any("PRIVATE" in version for _, version in exported):
        yield "core alone has names for other libraries"


def main(libraries):
    wrong, owners = 0, {}
    for library in libraries:
        dynamic = [name.partition("@@") for _, name in nm(library, "-D")]
        exported = {(name, version) for name, _, version in dynamic if not re.fullmatch(r"FLARE_(PRIVATE_)?[\d.]+", name)}
        faults = list(faults_of(library, exported))
        for fault in faults:
            print(f"{library}: {fault}")
        wrong += len(faults)
        private = sum("PRIVATE" in version for _, version in exported)
        print(f"{library}: {len(exported) - private} names for programs, {private} for Flare's other libraries")
        for kind, name in nm(library):
            if kind in "bBdDuVvGgSs" and re.search(r"^(guard variable for )?flare::", name) and not CONSTANT.search(name):
                owners.setdefault(name, []).append(library)
    for name, several in owners.items():
        if len(set(several)) > 1:
            wrong += 1
            print(f"there is more than one {name}: {', '.join(several)}")
    return 1 if wrong or not libraries else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
