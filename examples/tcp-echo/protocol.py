"""A TCP echo server on an asyncio.Protocol, on asyncio's loop or uvloop.

The same as main.py one layer down: the loop calls the protocol when bytes
arrive, and there is neither a task nor a buffer between them. Without
`--listen` a demo runs: four clients in this process, which check every
byte.

    python examples/tcp-echo/protocol.py
    python examples/tcp-echo/protocol.py --listen 127.0.0.1:7007 --loop uvloop
"""

import asyncio
import socket
from typing import cast

import peer


# ANCHOR: echo
class Echo(asyncio.Protocol):
    def __init__(self, connections: set[asyncio.Transport]) -> None:
        self.connections = connections

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self.connections.add(self.transport)

    def data_received(self, data: bytes) -> None:
        # How much comes at a time is the loop's affair: about 250 KiB at
        # most, in asyncio and uvloop alike.
        self.transport.write(data)

    # Backpressure: while the client does not read what it was sent, it is
    # not read from.
    def pause_writing(self) -> None:
        self.transport.pause_reading()

    def resume_writing(self) -> None:
        self.transport.resume_reading()

    # No eof_received: by default the transport then sends what it still
    # holds, and closes.

    def connection_lost(self, exc: Exception | None) -> None:
        self.connections.discard(self.transport)
# ANCHOR_END: echo


# ANCHOR: serve
async def serve(listener: socket.socket, stop: asyncio.Event) -> None:
    connections: set[asyncio.Transport] = set()
    loop = asyncio.get_running_loop()
    # The loop sets TCP_NODELAY on what this listener accepts: see bind().
    server = await loop.create_server(
        lambda: Echo(connections), sock=listener, backlog=peer.BACKLOG
    )
    try:
        await stop.wait()
    finally:
        # ANCHOR: shutdown
        server.close()
        for transport in list(connections):
            transport.abort()
        await server.wait_closed()
        # ANCHOR_END: shutdown
# ANCHOR_END: serve


if __name__ == "__main__":
    peer.main(serve, __doc__)
