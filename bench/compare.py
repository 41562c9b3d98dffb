"""Runs flare_bench for Flare and other systems, round after round, and writes docs/performance.md."""
import argparse
import datetime
import json
import os
import pathlib
import platform
import statistics
import subprocess

ROOT = pathlib.Path(__file__).resolve().parent.parent
BENCH = ROOT / 'build/release/bench/flare_bench'

FLARE = 'Flare, ws'
SYSTEMS = {
    FLARE: ['echo', '--no-floor'],
    'a bare epoll WebSocket echo': ['floor'],
    'Flare, wss': ['echo', '--no-floor', '--transport', 'wss'],
    'Flare, QUIC': ['echo', '--no-floor', '--transport', 'quic'],
    'ws (Node)': ['peer', 'ws'],
    'Socket.IO': ['peer', 'socketio'],
    'mosquitto, TCP': ['peer', 'mosquitto'],
    'mosquitto, WebSocket': ['peer', 'mosquitto-ws'],
    'nats-server, TCP': ['peer', 'nats'],
    'nats-server, WebSocket': ['peer', 'nats-ws'],
}
LOADS = [(500, 1, 256), (20, 64, 256)]  # connections, in flight, bytes

MANY = ['--connections', '500', '--size', '256']
PAIRS = ['echo', '--no-floor', '--pairs', '--connections', '20', '--in-flight', '64', '--size', '256']
FEW_QUIC = ['echo', '--no-floor', '--transport', 'quic', '--connections', '100', '--size', '256']
FAN_OUT = ['fanout', '--sessions', '1000', '--size', '256']
MANY_SESSIONS = {'19000', '49900', '50000'}  # once: it takes minutes
CPU, FLOOR = 'server_cpu_us_per_delivery', 'floor_cpu_us_per_delivery'
# What is asked of one run: a command, and what of its JSON object; a second command: the ratio of the first to it.
OWN = {
    'broadcast to 1,000 sessions, 1 in flight: us of server CPU a delivery': (FAN_OUT, lambda own: own[CPU]),
    '- ratio to a bare epoll WebSocket server, as often acknowledged': (FAN_OUT, lambda own: own[CPU] / own[FLOOR]),
    '- acknowledgements a delivery': (FAN_OUT, lambda own: own['acks_per_delivery']),
    'broadcast to 1,000 sessions, 64 in flight: us of server CPU a delivery':
        ([*FAN_OUT, '--in-flight', '64', '--no-floor'], lambda own: own[CPU]),
    'two workers, echo, 500 connections, 1 in flight: ratio to one worker':
        (['echo', '--no-floor', *MANY, '--workers', '2'], 'server_cpu_us_per_message', ['echo', '--no-floor', *MANY]),
    'two workers, user to user, 20 connections, 64 in flight: ratio to one worker':
        ([*PAIRS, '--workers', '2'], 'server_cpu_us_per_message', PAIRS),
    'QUIC echo, 100 sessions talk, 49,900 more are connected: ratio to 100 alone':
        ([*FEW_QUIC, '--idle', '49900'], 'server_cpu_us_per_message', FEW_QUIC),
    'echo: allocations a message':
        (['echo', '--no-floor', '--connections', '20', '--in-flight', '64'], lambda own: own['allocations_per_message']),
    'echo over QUIC: allocations a message':
        (['echo', '--no-floor', '--transport', 'quic', '--connections', '20', '--in-flight', '64', '--warm-up', '3'],
         lambda own: own['allocations_per_message']),
    '- of them by ngtcp2, GnuTLS and other libraries':
        (['echo', '--no-floor', '--transport', 'quic', '--connections', '20', '--in-flight', '64', '--warm-up', '3'],
         lambda own: own['library_allocations_per_message']),
    '19,000 idle WebSocket sessions: bytes of server memory each':
        (['idle', '--sessions', '19000', '--seconds', '30'], lambda own: own['bytes_per_session']),
    '- % of a CPU, heartbeats every 30 s':
        (['idle', '--sessions', '19000', '--seconds', '30'], lambda own: own['server_cpu_percent']),
    '50,000 idle QUIC sessions: bytes each':
        (['idle', '--transport', 'quic', '--sessions', '50000', '--seconds', '30'], lambda own: own['bytes_per_session']),
    '- % of a CPU':
        (['idle', '--transport', 'quic', '--sessions', '50000', '--seconds', '30'], lambda own: own['server_cpu_percent']),
    'idle wss session: bytes': (['idle', '--transport', 'wss'], lambda own: own['bytes_per_session']),
    'a new QUIC session: us of server CPU': (['connect', '--transport', 'quic'], lambda own: own['server_cpu_us_per_connect']),
    'a resumed one, with early data': (['connect', '--transport', 'quic'], lambda own: own['server_cpu_us_per_resume']),
}

NOTES = """\
One CPU runs the server, the other the load generator, which is the same program for all systems. It
speaks each system's protocol, sends a message when the previous one is back, and checks that each
comes back once, complete and in order. The measure is the CPU time of the server's process per
message: one in, one out, with all acknowledgements. Ratios are computed within a round; the table
has their median, minimum and maximum.

- Flare: the handler answers on the event loop; every message has an id that is processed once, a
  sequence number, an acknowledgement and a receipt.
- ws: perMessageDeflate off. No acknowledgements. Socket.IO: WebSocket only; each event is
  acknowledged with its content.
- mosquitto: each client publishes to its own topic with QoS 1, acknowledged in both directions;
  limits on in-flight and queued messages are off, nothing is stored or logged.
- nats-server: each client publishes to its own subject; core NATS acknowledges nothing.

The load generator never sleeps, because waking it would cost CPU time of the server, and more of it
the faster the load is.
"""

API_NOTES = """\
`./dev bench api --beside ejabberd --turns {turns}`: a back-end sends messages of 100 bytes to 1,000 users,
over 64 kept connections, with one request under way on each; in turns, each with a new ejabberd.
Servers may use both CPUs, the load generator has one of them. When a server has answered,

- Flare has checked the key, and the message is in its log, on disk by fsync;
- ejabberd has written the message into Mnesia (`mod_offline`; the users are offline), has not waited
  for fsync, and has checked no key. It runs only the modules that this needs, without a limit of
  offline messages; the benchmark counts that it has stored what it answered.
"""


def run(arguments):
    """The JSON object that the command ends with. mosquitto 2.0.11 now and then stops accepting WebSockets: once more."""
    for _ in range(3):
        done = subprocess.run([BENCH, *arguments, '--json'], cwd=ROOT, capture_output=True, text=True, timeout=300)
        if done.returncode == 0:
            break
        print(f"again: {' '.join(arguments)}: {done.stderr.strip()}", flush=True)
    else:
        raise SystemExit(f"{' '.join(arguments)}: {done.stderr.strip() or done.stdout.strip()}")
    return json.loads(done.stdout.strip().splitlines()[-1])


def spread(values, digits=2):
    return f'{statistics.median(values):.{digits}f} ({min(values):.{digits}f}-{max(values):.{digits}f})'


def compare(load, rounds, seconds):
    connections, in_flight, size = load
    options = ['--connections', str(connections), '--in-flight', str(in_flight), '--size', str(size), '--seconds',
               str(seconds), '--warm-up', '1']
    results = {name: [] for name in SYSTEMS}
    for number in range(rounds):
        for name, command in SYSTEMS.items():
            results[name].append(run([*command, *options]))
        print(f'{connections} connections, {in_flight} in flight: round {number + 1} of {rounds}', flush=True)
    cpu = {name: [each['server_cpu_us_per_message'] for each in runs] for name, runs in results.items()}
    lines = [f'## Echo: {connections} connections, {in_flight} in flight, {size} bytes', '',
             "| | µs of server CPU per message | ratio to Flare's | messages per CPU-second | p50, µs | p99, µs |",
             '|---|---|---|---|---|---|']
    for name, runs in results.items():
        ratios = [a / b for a, b in zip(cpu[name], cpu[FLARE])]
        lines.append(f'| {name} | {spread(cpu[name])} | {spread(ratios)} | {1e6 / statistics.median(cpu[name]):,.0f} | '
                     f"{statistics.median(each['p50_us'] for each in runs):,.0f} | "
                     f"{statistics.median(each['p99_us'] for each in runs):,.0f} |")
    return lines + ['']


def own(rounds):
    lines = ['## Flare alone', '', '| | median (least-greatest) |', '|---|---|']
    ran = {}  # rows about the same command share its runs
    for what, (command, value, *beside) in OWN.items():
        key = (*command, *(word for other in beside for word in other))
        if key not in ran:
            ran[key] = [[run(each) for each in (command, *beside)] for _ in range(1 if MANY_SESSIONS & set(command) else rounds)]
        values = [first[value] / others[0][value] if others else value(first) for first, *others in ran[key]]
        digits = 0 if values[0] >= 1000 else 3 if values[0] < 0.1 else 2
        lines.append(f'| {what} | {spread(values, digits)} |')
        print(what, spread(values, digits), flush=True)
    return lines + ['']


def api(turns, seconds):
    load, cpus = os.getloadavg()[0], os.cpu_count()
    own = run(['api', '--beside', 'ejabberd', '--turns', str(turns), '--seconds', f'{seconds:.0f}'])
    if 'beside' not in own:
        raise SystemExit('ejabberd is not installed: scripts/setup.sh --peers')
    rate = f"{own['rate']:,}"
    beside = f"{own['beside_p50_ms']:.2f} | {own['beside_p99_ms']:.2f}" if own['beside_keeps_rate'] else 'too many for it | '
    return ['## Server API, beside ejabberd', '', API_NOTES.format(turns=turns),
            f'{datetime.date.today()}, load average of the {cpus} CPUs before it: {load:.1f}.', '',
            f'| | messages/s, one by one | at {rate}/s: p50, ms | p99, ms |', '|---|---|---|---|',
            f"| Flare | {own['single_per_s']:,} | {own['p50_ms']:.2f} | {own['p99_ms']:.2f} |",
            f"| {own['beside']} | {own['beside_single_per_s']:,} | {beside} |",
            '', f"Flare takes {own['ratio_single']} times as many one by one ({own['ratio_single_min']}-{own['ratio_single_max']}), "
            f"and {own['batched_per_s']:,} messages/s in batches of 100.", '']


def version_of(command):
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def machine():
    cpu = next(line.split(':')[1].strip() for line in open('/proc/cpuinfo') if line.startswith('model name'))
    cores = version_of(['nproc'])
    debian = [f"{name} {version_of(['dpkg-query', '-W', '-f', '${Version}', name])}" for name in ('mosquitto', 'nats-server')]
    node = [f"{name} {json.load(open(ROOT / f'bench/peers/node_modules/{name}/package.json'))['version']}"
            for name in ('ws', 'socket.io')]
    return (f"{datetime.date.today()}, {cpu}, {cores} CPUs, Linux {platform.release()}; {', '.join(debian + node)}, "
            f"Node {version_of(['node', '--version'])}.")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--rounds', type=int, default=5)
    parser.add_argument('--seconds', type=float, default=3)
    options = parser.parse_args()
    lines = ['# Performance', '', 'Generated by `bench/compare.sh`; do not edit.', '', machine(), '', NOTES]
    for load in LOADS:
        lines += compare(load, options.rounds, options.seconds)
    lines += own(min(options.rounds, 3))
    lines += api(min(options.rounds, 3), options.seconds)
    text = '\n'.join(lines)
    (ROOT / 'docs/performance.md').write_text(text)
    print(text)


if __name__ == '__main__':
    main()
