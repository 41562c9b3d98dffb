"""What messages and idle sessions cost, counted and not timed, beside the ceilings in bench/ceilings.json.

    bench/guard.py            fails when something costs more than its ceiling
    bench/guard.py --renew    writes new ceilings: what was counted, and a little room

Needs a release build and valgrind. Instructions are those of the server's process, in user mode, as callgrind counts them. Each is the
difference between a long run and a short one, so that starting, connecting and ending do not count.
"""
import concurrent.futures
import json
import pathlib
import re
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
BENCH = ROOT / 'build/release/bench/flare_bench'
CEILINGS = ROOT / 'bench/ceilings.json'
ROOM = 1.05  # another patch release of the compiler may do so much more
BATCHED_ROOM = 1.20  # several in flight, to many, by timers: how many share a wake-up is the scheduler's choice

ECHO = ['echo', '--no-floor', '--connections', '20', '--size', '256']
# One connection: then each message has a wake-up of its own, and none is the scheduler's choice.
ALONE = ['echo', '--no-floor', '--connections', '1', '--size', '256', '--in-flight', '1']
FAN_OUT = ['fanout', '--no-floor', '--sessions', '200', '--size', '256']
# What is counted: command, and --messages of the short run and of the long one.
INSTRUCTIONS = {
    'echo, 64 in flight: instructions a message': ([*ECHO, '--in-flight', '64', '--warm-up', '0'], 20_000, 60_000),
    'echo, 1 in flight: instructions a message': ([*ALONE, '--warm-up', '0'], 10_000, 30_000),
    'broadcast, 16 in flight: instructions a delivery': ([*FAN_OUT, '--in-flight', '16', '--warm-up', '0'], 40_000, 200_000),
    'broadcast, 1 in flight: instructions a delivery': ([*FAN_OUT, '--in-flight', '1', '--warm-up', '0'], 40_000, 120_000),
    'idle: instructions a heartbeat': (['idle', '--sessions', '200', '--heartbeat', '0.2'], 1_000, 4_000),
}
STEADY = ['--seconds', '2', '--warm-up', '1']
# What the benchmark reports of itself: command, and the key of its JSON object.
REPORTED = {
    'echo: allocations a message': ([*ECHO, '--in-flight', '64', *STEADY], 'allocations_per_message'),
    'echo over QUIC: allocations a message': ([*ECHO, '--in-flight', '64', '--transport', 'quic', *STEADY], 'allocations_per_message'),
    'stored: allocations a message': (['stored', '--rounds', '1', *STEADY], 'allocations_per_message'),
    'idle WebSocket session: bytes': (['idle', '--sessions', '2000', '--seconds', '1'], 'bytes_per_session'),
    'idle WebSocket session with 50 feeds: bytes': (['idle', '--feeds', '50', '--sessions', '2000', '--seconds', '1'], 'bytes_per_session'),
    'idle wss session: bytes': (['idle', '--transport', 'wss', '--sessions', '2000', '--seconds', '1'], 'bytes_per_session'),
    'idle QUIC session: bytes': (['idle', '--transport', 'quic', '--sessions', '2000', '--seconds', '1'], 'bytes_per_session'),
}


def run(command):
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300)
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(map(str, command))}: {done.stderr.strip() or done.stdout.strip()}")
    return done.stdout


def instructions(arguments, messages):
    """Of the benchmark's child, which is the server."""
    with tempfile.TemporaryDirectory() as folder:
        run(['valgrind', '--quiet', '--tool=callgrind', f'--callgrind-out-file={folder}/%p', BENCH, *arguments, '--messages', str(messages)])
        server = max(pathlib.Path(folder).iterdir(), key=lambda file: int(file.name.split('.')[0]))
        return int(re.search(r'^(?:summary|totals): (\d+)', server.read_text(), re.M)[1])


def count():
    """One by one, so that whoever waits sees it go on. Callgrind counts the same whoever else runs, so the short
    run and the long one go beside each other."""
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        for what, (arguments, short, long) in INSTRUCTIONS.items():
            few, many = pool.map(lambda messages: instructions(arguments, messages), (short, long))
            yield what, round((many - few) / (long - short))
    for what, (arguments, key) in REPORTED.items():
        yield what, json.loads(run([BENCH, *arguments, '--json']).strip().splitlines()[-1])[key]


def main():
    if sys.argv[1:] == ['--renew']:
        ceilings = {}
        for what, value in count():
            room = BATCHED_ROOM if re.search(r'broadcast|heartbeat|\b(?!1 )\d+ in flight', what) else ROOM
            ceilings[what] = round(value * room) if value > 1 else round(value * room + 0.01, 2)
            print(f'{what:50} {value:10,.3f}  ceiling {ceilings[what]:10,.3f}', flush=True)
        CEILINGS.write_text(json.dumps(ceilings, indent=2) + '\n')
        return 0
    ceilings = json.loads(CEILINGS.read_text())
    over = 0
    for what, value in count():
        over += value > ceilings[what]
        print(f"{what:50} {value:10,.3f}  ceiling {ceilings[what]:10,.3f}{'  OVER' if value > ceilings[what] else ''}", flush=True)
    if over:
        print(f'{over} cost more than bench/ceilings.json allows: find out what came in, or say in the commit why it is worth it (--renew)')
    return 1 if over else 0


if __name__ == '__main__':
    sys.exit(main())
