"""A stage for flare chat: a server, a UDP relay that can be cut, and people at terminals of a screen's size.

A person's terminal is a real pseudo-terminal; what the program draws there is kept by pyte as a terminal would show it.
"""
import fcntl
import os
import pathlib
import pty
import select
import signal
import socket
import struct
import subprocess
import tempfile
import termios
import threading
import time

import pyte

ROOT = pathlib.Path(__file__).resolve().parents[2]
PATIENCE = 30  # seconds for what has to happen at once; only a failure takes them


class Relay:
    """Passes UDP between clients and a server until it is cut; then everything is lost without a word."""

    def __init__(self, port):
        self.server = ("127.0.0.1", port)
        self.front = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.front.bind(("127.0.0.1", 0))
        self.port = self.front.getsockname()[1]
        self.backs = {}
        self.cut = False
        self.over = False
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def run(self):
        while not self.over:
            ready, _, _ = select.select([self.front, *self.backs.values()], [], [], 0.2)
            for each in ready:
                try:
                    data, sender = each.recvfrom(65536)
                except OSError:
                    continue
                if self.cut:
                    continue
                if each is self.front:
                    if sender not in self.backs:
                        self.backs[sender] = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
                        self.backs[sender].connect(self.server)
                    self.backs[sender].send(data)
                else:
                    client = next(key for key, back in self.backs.items() if back is each)
                    self.front.sendto(data, client)

    def close(self):
        self.over = True
        self.thread.join()
        for each in [self.front, *self.backs.values()]:
            each.close()


class LongWay:
    """Passes TCP on with a delay, so that QUIC is the better protocol on this stage."""

    DELAY = 0.02  # seconds, each way

    def __init__(self, port):
        self.server = ("127.0.0.1", port)
        self.front = socket.create_server(("127.0.0.1", 0))
        self.port = self.front.getsockname()[1]
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        while True:
            try:
                client, _ = self.front.accept()
            except OSError:
                return
            server = socket.create_connection(self.server)
            for each in (client, server):
                each.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for source, target in ((client, server), (server, client)):
                threading.Thread(target=self.carry, args=(source, target), daemon=True).start()

    def carry(self, source, target):
        try:
            while data := source.recv(65536):
                time.sleep(self.DELAY)
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)
        except OSError:
            target.close()

    def close(self):
        self.front.close()


class Person:
    """Somebody in front of a terminal in which a command runs."""

    def __init__(self, command, columns=72, lines=16):
        self.screen = pyte.HistoryScreen(columns, lines, history=1000)
        self.stream = pyte.ByteStream(self.screen)
        self.raw = b""
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.environ.update(TERM="xterm", LC_ALL="C.UTF-8")
            for name in ("NO_COLOR", "FLARE_TOKEN", "FLARE_USER", "FLARE_CA_FILE"):
                os.environ.pop(name, None)
            os.execv(command[0], command)
        self.resize(columns, lines)
        self.ended = None

    def resize(self, columns, lines):
        # What was drawn for the wider of two sizes is shown on it: else rows would break that no terminal breaks.
        narrower = columns < self.screen.columns
        if not narrower:
            self.screen.resize(lines, columns)
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
        if narrower:
            while select.select([self.fd], [], [], 0)[0] and self.look():
                pass
            self.screen.resize(lines, columns)

    def keys(self, text):
        os.write(self.fd, text.encode())

    def look(self, seconds=0.05):
        ready, _, _ = select.select([self.fd], [], [], seconds)
        if not ready:
            return True
        try:
            data = os.read(self.fd, 65536)
        except OSError:
            return False
        self.raw += data
        self.stream.feed(data)
        return bool(data)

    def rows(self):
        """All rows, those that have scrolled away too."""
        gone = ["".join(row[x].data for x in range(self.screen.columns)) for row in self.screen.history.top]
        return [row.rstrip() for row in [*gone, *self.screen.display]]

    def text(self):
        return "\n".join(self.rows()).strip("\n")

    def sees(self, what, without=None):
        """Waits until a row contains `what` (and the screen does not contain `without`)."""
        if not self.waits_for(lambda: any(what in row for row in self.rows()) and not (without and without in self.text())):
            raise AssertionError(f"never seen: {what!r}\n{self.text()}")

    def waits_for(self, condition):
        deadline = time.monotonic() + PATIENCE
        while not condition():
            if time.monotonic() >= deadline or not self.look():
                return bool(condition())
        return True

    def finish(self):
        deadline = time.monotonic() + PATIENCE
        while self.look() and time.monotonic() < deadline:
            pass
        _, status = os.waitpid(self.pid, 0)
        self.ended = os.waitstatus_to_exitcode(status)
        return self.ended

    def kill(self):
        if self.ended is None:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        os.close(self.fd)


class Stage:
    """A server with QUIC behind a relay, and its certificates."""

    def __init__(self, flare, server):
        self.flare = flare
        self.folder = tempfile.TemporaryDirectory(prefix="flare-chat-")
        self.people = []
        subprocess.run([ROOT / "scripts/generate_certs.sh", f"{self.folder.name}/certs"], check=True,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.server = subprocess.Popen([server, "--websocket-addr", "127.0.0.1:0", "--quic-addr", "127.0.0.1:0",
                                        "--workers", "1", "--quiet"], cwd=self.folder.name, stdout=subprocess.PIPE,
                                       stderr=subprocess.DEVNULL, text=True)
        # "listening on 127.0.0.1:4000, QUIC on 127.0.0.1:4010"
        line = self.server.stdout.readline()
        self.websocket, self.quic = [int(part.rsplit(":", 1)[1]) for part in line.strip().split(", ")]
        self.relay = Relay(self.quic)
        self.way = LongWay(self.websocket)

    def chat(self, user, *options, **size):
        person = Person([self.flare, "chat", "--user", user, "--ca-file", f"{self.folder.name}/certs/ca.crt",
                         f"ws://127.0.0.1:{self.way.port}", f"quic://127.0.0.1:{self.relay.port}", *options], **size)
        self.people.append(person)
        return person

    def close(self):
        for person in self.people:
            person.kill()
        self.relay.close()
        self.way.close()
        self.server.terminate()
        self.server.wait()
        self.server.stdout.close()
        self.folder.cleanup()
