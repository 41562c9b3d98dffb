#!/usr/bin/env bash
# What the two commands of README.md do on a new machine: makes a bare Debian in a folder, clones HEAD of this checkout
# into it, runs them there, and prints how long each took. Ends with 0 when all of them did. Needs root and debootstrap.
#     tests/package/bare_debian.sh 12|13 [--keep FOLDER] [demo] [tests] [packages]      default: demo and tests
#   demo      examples/demo.sh
#   tests     scripts/test.sh
#   packages  scripts/package.sh, and the packages are used in another bare system (tests/package/use_packages.sh)
#   --keep    the system is made in FOLDER, or the one there is used again, and it stays
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
. "$here/bare_system.sh"

[ $# -gt 0 ] || { sed -n 2,8p "$0" >&2; exit 2; }
release=$1
shift
bare_suite "$release" >/dev/null
work=$(mktemp -d "${TMPDIR:-/var/tmp}/flare-bare.XXXXXX")
trap 'bare_end; rm -rf --one-file-system "$work"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
root=$work/system
parts=()
while [ $# -gt 0 ]; do
    case $1 in
        --keep) root=${2:?--keep wants a folder}; shift ;;
        demo | tests | packages) parts+=("$1") ;;
        *) bare_say "$1: demo, tests or packages"; exit 2 ;;
    esac
    shift
done
[ ${#parts[@]} -gt 0 ] || parts=(demo tests)

status=0 table=""
timed() {  # what it is called, command ...
    local began=$SECONDS ended=0
    bare_say "$1"
    "${@:2}" || ended=$?
    table+=$(printf 'Debian %s  %-28s %5d s  %s' "$release" "$1" $((SECONDS - began)) "$([ $ended -eq 0 ] && echo ok || echo FAILED)")$'\n'
    [ $ended -eq 0 ] || status=1
    return $ended
}

if ! [ -x "$root/usr/bin/apt-get" ]; then
    timed "bare system" bare_make "$release" "$root" || exit 1
fi
rm -rf "$root/root/flare"
git clone --quiet --depth 1 "file://$(git -C "$here" rev-parse --show-toplevel)" "$root/root/flare"
for part in "${parts[@]}"; do
    case $part in
        demo)
            timed "scripts/setup.sh --build" bare_run "$root" "flare/scripts/setup.sh --build" || continue
            timed "examples/demo.sh" bare_run "$root" "flare/examples/demo.sh" || true
            ;;
        tests)
            timed "scripts/test.sh, set-up too" bare_run "$root" "flare/scripts/test.sh" || true
            ;;
        packages)
            timed "scripts/package.sh" bare_run "$root" "flare/scripts/package.sh" || continue
            timed "use_packages.sh" "$here/use_packages.sh" "$release" "$root/root/flare/build/package" || true
            ;;
    esac
done
printf '\n%s' "$table"
exit $status
