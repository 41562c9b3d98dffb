#!/usr/bin/env bash
# flare train makes dictionaries of every kind of samples, and says what is wrong with bad ones.
#     tests/tools/train.sh PATH_OF_FLARE
set -euo pipefail
flare=$1
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
fail() { echo "train.sh: $*" >&2; exit 1; }

python3 - <<'END'
import os, struct
samples = [b'{"kind":"text","thread":"%d","body":"message %d of this thread"}' % (i % 17, i * 7919) for i in range(3000)]
open("lines", "wb").write(b"\n".join(samples) + b"\n")
open("prefixed", "wb").write(b"".join(struct.pack(">I", len(each)) + each for each in samples))
open("cut", "wb").write(b"\0\0\0\x09abc")
os.mkdir("files")
for i, each in enumerate(samples): open("files/%d" % i, "wb").write(each)
END
expect_dictionary() {  # file, size at most
    [ "$(head -c 4 "$1" | od -An -tx1 | tr -d ' ')" = 37a430ec ] || fail "$1 is no zstd dictionary"
    [ "$(stat -c %s "$1")" -le "$2" ] || fail "$1 is larger than it may be"
}
"$flare" train lines of_lines
expect_dictionary of_lines 16384
"$flare" train --prefixed --size 4096 prefixed of_prefixed
expect_dictionary of_prefixed 4096
"$flare" train files of_files
expect_dictionary of_files 16384

expect_refusal() {  # exit code, what it says, arguments ...
    local code=0 said
    said=$("$flare" train "${@:3}" 2>&1) || code=$?
    [ "$code" = "$1" ] || fail "exit code $code for: ${*:3}"
    [[ $said == *"$2"* ]] || fail "it said: $said"
}
expect_refusal 1 "length prefixes" --prefixed cut out
expect_refusal 1 "cannot be read" missing out
printf 'one\n' >few
expect_refusal 1 "no dictionary can be made" few out
expect_refusal 1 "its folder does not exist" lines missing/out
expect_refusal 2 "output is required" lines
expect_refusal 2 "not in range" --size 1 lines out
