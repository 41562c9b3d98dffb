#!/usr/bin/env python3
"""Whether binaries are hardened: stack canaries, FORTIFY, full RELRO, no executable stack, position-independent, and
landing pads for indirect branches (endbr64) at the entries of our own functions.     check_hardening.py BINARY...

Debian 12's start files carry no CET mark, so the linker cannot mark a program as a whole, and none is asked for."""
import platform
import re
import subprocess
import sys


def run(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def entries(binary):
    """Where functions of ours begin that anybody can call through a pointer: what a library exports, or main(). By
    address: a constructor has two names, of which a listing shows one."""
    exported = re.findall(r"^([0-9a-f]+) T (_ZNK?5flare\w+)", run("nm", "-D", "--defined-only", binary), re.M)
    found = exported or re.findall(r"^([0-9a-f]+) T (main)$", run("nm", "--defined-only", binary), re.M)
    return {int(address, 16): name for address, name in found}


def without_landing_pad(binary, functions):
    listing = run("objdump", "-d", "--no-show-raw-insn", binary)
    first = re.findall(r"^([0-9a-f]+) <[^>]+>:\n\s*[0-9a-f]+:\s*(\S+)", listing, re.M)
    padded = {int(address, 16) for address, instruction in first if instruction == "endbr64"}
    return sorted(name for address, name in functions.items() if address not in padded)


def faults_of(binary):
    header = run("readelf", "-hW", binary)
    segments = run("readelf", "-lW", binary)
    dynamic = run("readelf", "-dW", binary)
    wanted = run("nm", "-D", "--undefined-only", binary)
    if "__stack_chk_fail" not in wanted:
        yield "no stack canary (-fstack-protector-strong)"
    if not re.search(r"\b__(?!stack)\w+_chk\b", wanted):
        yield "no checked function (-D_FORTIFY_SOURCE)"
    if "GNU_RELRO" not in segments or not re.search(r"BIND_NOW|FLAGS.*\bNOW\b", dynamic):
        yield "no full RELRO (-z relro -z now)"
    stack = re.search(r"GNU_STACK.*", segments)
    if stack is None or "E" in stack[0].split()[6]:
        yield "an executable stack"
    if not re.search(r"Type:\s+DYN", header):
        yield "not position-independent"
    if platform.machine() in ("x86_64", "AMD64"):
        names = entries(binary)
        bare = without_landing_pad(binary, names)
        if bare:
            yield f"{len(bare)} of {len(names)} functions without endbr64 (-fcf-protection), {bare[0]} for one"


def main(binaries):
    wrong = 0
    for binary in binaries:
        faults = list(faults_of(binary))
        wrong += len(faults)
        print(f"{binary}: {'hardened' if not faults else '; '.join(faults)}")
    return 1 if wrong or not binaries else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
