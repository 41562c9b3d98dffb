"""A stage for conversations: `flare server` with a store, which can be killed and started again, and people at
terminals in front of it."""
import signal
import subprocess
import tempfile

from chat_stage import PATIENCE, Person


class RoomsStage:
    def __init__(self, flare):
        self.flare = flare
        self.folder = tempfile.TemporaryDirectory(prefix="flare-rooms-")
        self.people = []
        self.server = None
        self.address = "127.0.0.1:0"
        self.start()

    def start(self):
        """The first time on any port, later on the same."""
        self.server = subprocess.Popen([self.flare, "server", "--config", "/dev/null", "--quic-enabled=false",
                                        "--websocket-address", self.address, "--worker-threads", "1",
                                        "--store", f"{self.folder.name}/flare.db"], cwd=self.folder.name,
                                       stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        # "listening on ws://127.0.0.1:4000"
        self.address = self.server.stdout.readline().strip().rsplit("ws://", 1)[1]

    def crash(self):
        """kill -9."""
        self.server.send_signal(signal.SIGKILL)
        self.server.wait()
        self.server.stdout.close()

    def run(self, *arguments, user):
        """A command that ends by itself: what it printed."""
        return subprocess.run([self.flare, *arguments, "--user", user, "--url", f"ws://{self.address}"], check=True,
                              stdout=subprocess.PIPE, text=True, timeout=PATIENCE).stdout

    def chat(self, user, *options, **size):
        person = Person([self.flare, "chat", "--user", user, f"ws://{self.address}", *options], **size)
        self.people.append(person)
        return person

    def close(self):
        for person in self.people:
            person.kill()
        self.server.kill()
        self.server.wait()
        self.server.stdout.close()
        self.folder.cleanup()


def status(person):
    """The line below the one in which somebody types."""
    return person.screen.display[min(person.screen.cursor.y + 1, person.screen.lines - 1)].rstrip()
