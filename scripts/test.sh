#!/usr/bin/env bash
# All tests, from nothing: installs what is needed, builds, runs everything, and prints as its last line
#     N passed, N failed, N skipped
#     scripts/test.sh [--preset test|asan|tsan|release|dev] [--only "PROGRAM ..."] [--without LABEL] [ctest arguments]
#   --preset   default test, the quickest to compile; asan: ASan + UBSan, and tsan, as CI runs them
#   --only     only these test programs are built and run, for example "unit_session unit_quic"
#   --without  leaves out the tests of this label, for example package
set -uo pipefail
cd "$(dirname "$0")/.."
preset=test only=() without=()
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
scripts/setup.sh --build || exit 1
mkdir -p build
# What only running takes comes while the compiler is at work.
whole=true
[ $# -eq 0 ] && [ ${#only[@]} -eq 0 ] || whole=false
{
    scripts/setup.sh --tests || exit
    ! $whole || ! command -v npm >/dev/null || (cd tests/interop && npm ci --no-audit --no-fund >../../build/npm.log 2>&1 || rm -rf node_modules)
} >build/tools.log 2>&1 &
tools=$!
trap 'kill "$tools" 2>/dev/null' EXIT
scripts/generate_certs.sh >/dev/null || exit 1
cmake --preset "$preset" >/dev/null || exit 1

progress() {  # ninja's lines: one for each tenth of the steps, and all that are no steps
    awk -v what="$1" '
        match($0, /^ *\[?[0-9]+\/[0-9]+\]? /) {
            split(substr($0, RSTART, RLENGTH), step, /[^0-9]+/)
            at = step[1] == "" ? 2 : 1
            tenth = int(10 * step[at] / step[at + 1])
            if (tenth != shown) { printf "%s: %d%% of %d steps\n", what, 10 * tenth, step[at + 1]; fflush(); shown = tenth }
            next
        }
        { print; fflush() }'
}
[ ${#only[@]} -gt 0 ] && targets=("${only[@]}") || targets=(tested)
cmake --build "build/$preset" -j "$(nproc)" --target "${targets[@]}" | progress "compiled"
[ "${PIPESTATUS[0]}" -eq 0 ] || { echo "the build failed"; exit 1; }
wait "$tools" || { cat build/tools.log; exit 1; }
trap - EXIT

[ ${#only[@]} -eq 0 ] || set -- -R "^($(IFS='|'; echo "${only[*]}"))\." "$@"
export TSAN_OPTIONS="halt_on_error=1 second_deadlock_stack=1 ${TSAN_OPTIONS:-}"
report=build/$preset/tests.xml
# Many tests wait for time-outs and other processes: twice as many at once keep the machine busy.
ctest --test-dir "build/$preset" -j "$((2 * $(nproc)))" --output-on-failure --output-junit tests.xml "${without[@]}" "$@" |
    grep -vE '^ +Start +[0-9]+: |^ *[0-9]+/[0-9]+ Test .* Passed +[0-9.]+ sec$'
count() { grep -o "<testcase [^>]*status=\"$1\"" "$report" | wc -l; }
passed=$(count run) failed=$(count fail) skipped=$(($(count disabled) + $(count notrun)))

# A client in another language, from the schema alone: only where nothing was left out.
no_interop=""
if ! command -v npm >/dev/null; then no_interop="no npm"; fi
if $whole && [ -z "$no_interop" ] && ! [ -d tests/interop/node_modules ]; then no_interop="npm ci: $(tail -n 5 build/npm.log)"; fi
if $whole && [ -z "$no_interop" ]; then
    binaries=$PWD/build/$preset
    interop=$(cd tests/interop && FLARE_SERVER=$binaries/examples/server_example FLARE_CLIENT=$binaries/tests/interop_client node --test 2>&1)
    interop_status=$?
    number() { sed -n "s/^. $1 \([0-9]*\)\$/\1/p;s/^# $1 \([0-9]*\)\$/\1/p" <<<"$interop" | tail -n 1; }
    [ $interop_status -eq 0 ] || printf '%s\n' "$interop"
    passed=$((passed + $(number pass)))
    failed=$((failed + $(number fail)))
    skipped=$((skipped + $(number skipped)))
elif $whole; then
    printf 'interop tests skipped: %s\n' "$no_interop"
    skipped=$((skipped + 1))
fi
[ "$passed" -gt 0 ] || failed=$((failed + 1))  # nothing ran: that is a failure
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ]
