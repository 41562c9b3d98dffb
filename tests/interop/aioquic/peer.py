"""A Flare peer on aioquic, written from docs/ alone. Prints one line for each thing that it has seen.

    peer.py client PORT CA.crt [ALPN]      connects, exchanges messages, updates keys, changes ids, comes back early
    peer.py server PORT CERT KEY           answers one client's hello and messages
"""
import asyncio
import os
import ssl
import sys

from aioquic.asyncio import QuicConnectionProtocol, connect, serve
from aioquic.quic.configuration import QuicConfiguration
from aioquic.quic.events import ConnectionTerminated, HandshakeCompleted, StreamDataReceived


def say(text):
    print(text, flush=True)


# ---- protobuf, as much as is needed: https://protobuf.dev/programming-guides/encoding ----

def varint(value):
    out = b""
    while value >= 0x80:
        out += bytes([value & 0x7F | 0x80])
        value >>= 7
    return out + bytes([value])


def take_varint(data):
    value = 0
    for i, byte in enumerate(data):
        value |= (byte & 0x7F) << (7 * i)
        if byte < 0x80:
            return value, data[i + 1:]
    return None, data


def field(number, value):
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    if isinstance(value, str):
        value = value.encode()
    return varint(number << 3 | 2) + varint(len(value)) + value


def message(*fields):
    return b"".join(field(number, value) for number, value in fields)


def decode(data):
    fields = {}
    while data:
        key, data = take_varint(data)
        if key & 7 == 0:
            value, data = take_varint(data)
        else:
            size, data = take_varint(data)
            value, data = data[:size], data[size:]
        fields.setdefault(key >> 3, []).append(value)
    return fields


# ---- Flare: docs/protocol.md, docs/wire.md, docs/quic.md ----

HELLO, WELCOME, ACTIVATE, GOODBYE, PING, PONG, DATA = 10, 11, 13, 14, 15, 16, 17


class Conversation(QuicConnectionProtocol):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.sending = {}  # channel -> stream
        self.channels = {}  # stream -> channel
        self.unread = {}  # stream -> bytes
        self.frames = asyncio.Queue()
        self.handshake = asyncio.get_event_loop().create_future()
        self.end = None

    def quic_event_received(self, event):
        if isinstance(event, HandshakeCompleted) and not self.handshake.done():
            self.handshake.set_result(event)
        elif isinstance(event, StreamDataReceived):
            self.unread[event.stream_id] = self.unread.get(event.stream_id, b"") + event.data
            self.read(event.stream_id)
        elif isinstance(event, ConnectionTerminated):
            self.end = event
            self.frames.put_nowait((None, None, None))

    def read(self, stream):
        data = self.unread[stream]
        if stream not in self.channels and data:
            self.channels[stream], data = take_varint(data)
            self.sending.setdefault(self.channels[stream], stream)
        while True:
            size, rest = take_varint(data)
            if size is None or len(rest) < size:
                break
            part, data = rest[:size], rest[size:]
            while part:
                length, part = take_varint(part)
                frame, part = decode(part[:length]), part[length:]
                for kind in frame:
                    if kind >= 10:
                        self.frames.put_nowait((frame, kind, decode(frame[kind][0])))
        self.unread[stream] = data

    def send(self, channel, *frames):
        part = b"".join(varint(len(frame)) + frame for frame in frames)
        data = varint(len(part)) + part
        if channel not in self.sending:
            # Whoever opens a stream names its channel; what comes back on it needs no name.
            stream = self._quic.get_next_available_stream_id()
            self.sending[channel] = stream
            self.channels[stream] = channel
            data = varint(channel) + data
        self._quic.send_stream_data(self.sending[channel], data)
        self.transmit()

    async def expect(self, kind):
        while True:
            frame, got, body = await asyncio.wait_for(self.frames.get(), 10)
            if got is None:
                raise SystemExit(f"the connection ended: {self.end.error_code} {self.end.reason_phrase}")
            if got == kind:
                return frame, body


def hello(user):
    return message((HELLO, message((1, 1), (2, user), (3, "phone"), (6, os.urandom(16)), (7, 1), (11, 1))))


def text(seq, content):
    body = message((1, os.urandom(16)), (2, "chat"), (3, content), (5, "server"))
    return message((2, seq), (DATA, message((2, body))))


async def talk(peer, seq, content):
    peer.send(1, text(seq, content))
    _, data = await peer.expect(DATA)
    said = decode(data[2][0])
    say(f"answer {said[2][0].decode()} {said[3][0].decode()}")


async def client(port, authority, alpn="flare-core"):
    tickets = []
    settings = QuicConfiguration(is_client=True, alpn_protocols=[alpn], server_name="localhost")
    settings.load_verify_locations(authority)
    try:
        async with connect("127.0.0.1", port, configuration=settings, create_protocol=Conversation,
                           session_ticket_handler=tickets.append) as peer:
            say(f"connected {(await peer.handshake).alpn_protocol}")
            peer.send(0, hello("python"))
            _, welcome = await peer.expect(WELCOME)
            say(f"welcome {welcome[14][0].decode()}")
            peer.send(0, message((ACTIVATE, message((1, 2)))))
            await talk(peer, 1, "one")
            peer._quic.request_key_update()
            await talk(peer, 2, "with new keys")
            peer._quic.change_connection_id()
            await talk(peer, 3, "with another connection id")
            peer.send(0, message((PING, message((1, 7)))))
            _, pong = await peer.expect(PONG)
            say(f"pong {pong[1][0]}")
    except ConnectionError:
        say("refused")
        return
    settings.session_ticket = tickets[-1]
    async with connect("127.0.0.1", port, configuration=settings, create_protocol=Conversation,
                       wait_connected=False) as peer:
        peer.send(0, hello("python again"))
        handshake = await peer.handshake
        say(f"resumed {handshake.session_resumed}, early data accepted {handshake.early_data_accepted}")
        _, welcome = await peer.expect(WELCOME)
        say(f"welcome {welcome[14][0].decode()}")


async def answer(peer):
    _, body = await peer.expect(HELLO)
    say(f"hello {body[2][0].decode()}")
    credit = message((1, 0), (3, 1000), (4, 1 << 20))
    limits = message((1, 1 << 24), (2, 1 << 20), (3, 1 << 20), (4, 1000), (5, 1 << 20))
    peer.send(0, message((WELCOME, message((1, os.urandom(16)), (3, os.urandom(32)), (4, os.urandom(32)), (6, 1),
                                           (7, 30000), (8, 60000), (9, 100), (10, limits), (11, credit),
                                           (13, 120000), (14, body[2][0])))))
    seq = 0
    while True:
        frame, kind, body = await peer.frames.get()
        if kind is None:
            return
        if kind == PING:
            peer.send(0, message((PONG, message((1, body[1][0])))))
        elif kind == GOODBYE:
            peer.send(0, message((GOODBYE, message((5, 1)))))
        elif kind == DATA:
            said = decode(body[2][0])
            say(f"message {said[3][0].decode()}")
            seq += 1
            reply = message((1, os.urandom(16)), (2, "echo"), (3, said[3][0]), (5, "interop"))
            receipt = message((1, said[1][0]), (2, 1))
            acks = message((1, 0), (2, frame[2][0]), (3, 1000), (4, 1 << 20))
            peer.send(1, message((2, seq), (3, acks), (DATA, message((1, "server"), (2, reply), (3, receipt)))))


async def server(port, certificate, key):
    settings = QuicConfiguration(is_client=False, alpn_protocols=["flare-core"])
    settings.load_cert_chain(certificate, key)

    def made(*args, **kwargs):
        peer = Conversation(*args, **kwargs)
        asyncio.ensure_future(answer(peer))
        return peer

    await serve("127.0.0.1", port, configuration=settings, create_protocol=made)
    say("listening")
    await asyncio.sleep(30)


if __name__ == "__main__":
    role, port, *rest = sys.argv[1:]
    asyncio.run({"client": client, "server": server}[role](int(port), *rest))
