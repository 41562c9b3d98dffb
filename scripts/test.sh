#!/usr/bin/env bash
# All tests, from nothing: installs what is needed, builds, runs everything, and prints as its last line
#     N passed, N failed, N skipped
#     scripts/test.sh [--preset asan|tsan|release|dev] [--only "PROGRAM ..."] [--without LABEL] [ctest arguments]
#   --preset   default asan (ASan + UBSan)
#   --only     only these test programs are built and run, for example "unit_session unit_quic"
#   --without  leaves out the tests of this label, for example package
set -uo pipefail
cd "$(dirname "$0")/.."
preset=asan only=() without=()
while true; do
    case ${1:-} in
        --preset) preset=$2 ;;
        --only) read -ra only <<<"$2" ;;
        --without) without=(-LE "$2") ;;
        *) break ;;
    esac
    shift 2
done
export CCACHE_SLOPPINESS=time_macros CCACHE_BASEDIR=$PWD CCACHE_NOHASHDIR=1  # one cache for all checkouts
scripts/setup.sh || exit 1
scripts/generate_certs.sh >/dev/null || exit 1
cmake --preset "$preset" >/dev/null || exit 1
cmake --build "build/$preset" -j "$(nproc)" ${only:+--target "${only[@]}"} | grep -vE '^\[[0-9]+/[0-9]+\] (Building|Linking|Generating|Running)'
[ "${PIPESTATUS[0]}" -eq 0 ] || { echo "the build failed"; exit 1; }

[ ${#only[@]} -eq 0 ] || set -- -R "^($(IFS='|'; echo "${only[*]}"))\." "$@"
export TSAN_OPTIONS="halt_on_error=1 second_deadlock_stack=1 ${TSAN_OPTIONS:-}"
report=build/$preset/tests.xml
ctest --test-dir "build/$preset" -j "$(nproc)" --output-on-failure --output-junit tests.xml "${without[@]}" "$@" |
    grep -vE '^ +Start +[0-9]+: |^ *[0-9]+/[0-9]+ Test .* Passed +[0-9.]+ sec$'
count() { grep -o "<testcase [^>]*status=\"$1\"" "$report" | wc -l; }
passed=$(count run) failed=$(count fail) skipped=$(($(count disabled) + $(count notrun)))

# A client in another language, from the schema alone: only where nothing was left out.
no_interop="no npm"
if [ $# -eq 0 ] && command -v npm >/dev/null; then
    if said=$(cd tests/interop && npm ci --no-audit --no-fund 2>&1); then no_interop=""; else no_interop="npm ci: $said"; fi
fi
if [ $# -eq 0 ] && [ -z "$no_interop" ]; then
    binaries=$PWD/build/$preset
    interop=$(cd tests/interop && FLARE_SERVER=$binaries/examples/server_example FLARE_CLIENT=$binaries/tests/interop_client node --test 2>&1)
    interop_status=$?
    number() { sed -n "s/^. $1 \([0-9]*\)\$/\1/p;s/^# $1 \([0-9]*\)\$/\1/p" <<<"$interop" | tail -n 1; }
    [ $interop_status -eq 0 ] || printf '%s\n' "$interop"
    passed=$((passed + $(number pass)))
    failed=$((failed + $(number fail)))
    skipped=$((skipped + $(number skipped)))
elif [ $# -eq 0 ]; then
    printf 'interop tests skipped: %s\n' "$no_interop"
    skipped=$((skipped + 1))
fi
[ "$passed" -gt 0 ] || failed=$((failed + 1))  # nothing ran: that is a failure
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ]
