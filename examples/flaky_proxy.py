#!/usr/bin/env python3
"""A proxy that breaks. TCP: passes bytes between a client and a server and cuts the connection, with a reset, after a
number of bytes, for the first few connections. UDP: passes datagrams on, and after a number of them lets everything vanish
for a while. For the demo and for trying out what your own application does then.

    flaky_proxy.py LISTEN_PORT SERVER_PORT [--cut-after BYTES] [--cuts N]
    flaky_proxy.py LISTEN_PORT SERVER_PORT --udp [--vanish-after DATAGRAMS] [--for SECONDS]
"""
import argparse
import asyncio
import socket
import struct


class Proxy:
    def __init__(self, server_port, cut_after, cuts):
        self.server_port = server_port
        self.cut_after = cut_after
        self.cuts_left = cuts

    async def serve(self, client_reader, client_writer):
        server_reader, server_writer = await asyncio.open_connection("127.0.0.1", self.server_port)
        budget = [self.cut_after] if self.cuts_left > 0 else [None]

        def cut():
            for writer in (client_writer, server_writer):
                sock = writer.get_extra_info("socket")
                if sock is not None and sock.fileno() >= 0:
                    # Linger 0: close() sends RST, and what is still under way is lost.
                    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                writer.transport.abort()

        async def pass_on(reader, writer):
            try:
                while data := await reader.read(4096):
                    if budget[0] is not None:
                        budget[0] -= len(data)
                        if budget[0] <= 0:
                            if self.cuts_left > 0:
                                self.cuts_left -= 1
                                print("flaky_proxy: cut in mid-stream", flush=True)
                            writer.write(data[: len(data) // 2])  # not even at a frame's end
                            cut()
                            return
                    writer.write(data)
                    await writer.drain()
                writer.close()
            except (ConnectionError, OSError):
                cut()

        await asyncio.gather(pass_on(client_reader, server_writer), pass_on(server_reader, client_writer))


class VanishingPath(asyncio.DatagramProtocol):
    """The clients' side; each client has a socket of its own towards the server."""

    def __init__(self, server_port, vanish_after, seconds):
        self.server_port = server_port
        self.left = vanish_after
        self.seconds = seconds
        self.back_at = 0.0
        self.to_server = {}

    def connection_made(self, transport):
        self.transport = transport

    def passes(self):
        now = asyncio.get_running_loop().time()
        if self.left > 0:
            self.left -= 1
            if self.left == 0:
                self.back_at = now + self.seconds
                print("flaky_proxy: UDP vanishes", flush=True)
        return now >= self.back_at

    def datagram_received(self, data, client):
        if self.passes():
            asyncio.ensure_future(self.forward(data, client))

    async def forward(self, data, client):
        if client not in self.to_server:
            path = self

            class Back(asyncio.DatagramProtocol):
                def datagram_received(self, data, _):
                    if path.passes():
                        path.transport.sendto(data, client)

            opened = asyncio.get_running_loop().create_datagram_endpoint(
                Back, remote_addr=("127.0.0.1", self.server_port)
            )
            self.to_server[client] = asyncio.ensure_future(opened)
        transport, _ = await self.to_server[client]
        transport.sendto(data)


async def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("listen_port", type=int)
    parser.add_argument("server_port", type=int)
    parser.add_argument("--cut-after", type=int, default=60_000)
    parser.add_argument("--cuts", type=int, default=2)
    parser.add_argument("--udp", action="store_true")
    parser.add_argument("--vanish-after", type=int, default=600)
    parser.add_argument("--for", type=float, default=3, dest="seconds")
    options = parser.parse_args()
    if options.udp:
        await asyncio.get_running_loop().create_datagram_endpoint(
            lambda: VanishingPath(options.server_port, options.vanish_after, options.seconds),
            local_addr=("127.0.0.1", options.listen_port),
        )
        print("flaky_proxy: ready", flush=True)
        await asyncio.Event().wait()
    proxy = Proxy(options.server_port, options.cut_after, options.cuts)
    server = await asyncio.start_server(proxy.serve, "127.0.0.1", options.listen_port)
    print("flaky_proxy: ready", flush=True)
    async with server:
        await server.serve_forever()


asyncio.run(main())
