"""A TCP echo server on asyncio's streams, on asyncio's own loop or uvloop.

Whatever bytes arrive go back, in order, until the client closes. The same
on a Protocol is in protocol.py, on Tokio in main.rs. Without `--listen` a
demo runs: four clients in this process, which check every byte.

    python examples/tcp-echo/main.py
    python examples/tcp-echo/main.py --listen 127.0.0.1:7007 --loop uvloop
"""

import asyncio
import socket
from asyncio import StreamReader, StreamWriter

import peer

# How much one read() hands over at most. How much one system call takes
# from the socket is the loop's affair: about 250 KiB, in asyncio and uvloop
# alike, and streams offer no way to choose.
READ_SIZE = 64 * 1024


# ANCHOR: echo
async def echo(reader: StreamReader, writer: StreamWriter) -> None:
    try:
        while data := await reader.read(READ_SIZE):
            writer.write(data)
            # Backpressure: a client that does not read is not read from.
            await writer.drain()
        writer.close()
        await writer.wait_closed()
    except OSError:
        pass  # The client broke off: there is nobody left to answer.
    finally:
        # Cancelled, do not wait for a client that may never read; after
        # an orderly close this does nothing.
        writer.transport.abort()
# ANCHOR_END: echo


# ANCHOR: serve
async def serve(listener: socket.socket, stop: asyncio.Event) -> None:
    connections: set[asyncio.Task[None]] = set()

    def connected(reader: StreamReader, writer: StreamWriter) -> None:
        # Given a coroutine function, start_server makes the tasks itself
        # and keeps them to itself: these are ours to cancel.
        task = asyncio.create_task(echo(reader, writer))
        connections.add(task)
        task.add_done_callback(connections.discard)

    # The loop sets TCP_NODELAY on what this listener accepts: see bind().
    server = await asyncio.start_server(
        connected, sock=listener, backlog=peer.BACKLOG, limit=READ_SIZE
    )
    try:
        await stop.wait()
    finally:
        # ANCHOR: shutdown
        server.close()
        for task in connections:
            task.cancel()
        await asyncio.gather(*connections, return_exceptions=True)
        await server.wait_closed()
        # ANCHOR_END: shutdown
# ANCHOR_END: serve


if __name__ == "__main__":
    peer.main(serve, __doc__)
