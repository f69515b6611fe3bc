"""What the two Python echo servers share: the command line, the choice of
the loop, the signals that stop them, and the clients of the demo.

Not a program of its own: run main.py or protocol.py.
"""

import argparse
import asyncio
import contextlib
import ipaddress
import json
import signal
import socket
import sys
import time
from asyncio import AbstractEventLoop, StreamReader, StreamWriter
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any

BACKLOG = 1024

# The demo: so many clients send so many messages each, one at a time.
CLIENTS = 4
MESSAGES = 250
MESSAGE_SIZE = 1024
TIMEOUT = 10.0

Address = tuple[str, int]
# Accepts on the socket until the event is set, then closes the socket and
# every connection.
Serve = Callable[[socket.socket, asyncio.Event], Coroutine[Any, Any, None]]


def main(serve: Serve, description: str | None) -> None:
    parser = argparse.ArgumentParser(
        description=description,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--listen",
        type=address,
        metavar="IP:PORT",
        help="serve here until SIGTERM or SIGINT; port 0 takes a free one"
        " (default: run the demo)",
    )
    parser.add_argument(
        "--loop",
        choices=("asyncio", "uvloop"),
        default="asyncio",
        help="the event loop (default: %(default)s)",
    )
    options = parser.parse_args()

    listener = bind(options.listen or ("127.0.0.1", 0))
    work = serve_until_signal if options.listen else demo
    failure: BaseException | None = None
    try:
        # ANCHOR: loop
        factory = loop_factory(options.loop)
        with asyncio.Runner(loop_factory=factory) as runner:
            runner.run(work(serve, listener))
        # ANCHOR_END: loop
    except* (OSError, EOFError, WrongEcho) as failures:
        failure = first(failures)
    if failure:
        # A time-out has nothing to add to its name.
        sys.exit(f"{type(failure).__name__}: {failure}".removesuffix(": "))


def address(text: str) -> Address:
    host, colon, port = text.rpartition(":")
    try:
        if not colon:
            raise ValueError("the port is missing")
        if host.startswith("[") and host.endswith("]"):
            host = str(ipaddress.IPv6Address(host[1:-1]))
        else:
            host = str(ipaddress.IPv4Address(host))
        if not (port.isascii() and port.isdigit() and int(port) < 2**16):
            raise ValueError(f"{port!r} is not a port")
    except ValueError as error:
        raise argparse.ArgumentTypeError(
            f"expected IP:PORT, such as 127.0.0.1:7007: {error}"
        ) from None
    return host, int(port)


def loop_factory(name: str) -> Callable[[], AbstractEventLoop] | None:
    if name == "asyncio":
        return None
    try:
        import uvloop
    except ImportError as error:
        sys.exit(f"--loop uvloop: {error} (see requirements.txt)")
    return uvloop.new_event_loop


# ANCHOR: bind
def bind(address: Address) -> socket.socket:
    family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
    # The protocol is named because asyncio sets TCP_NODELAY only on sockets
    # that carry it, and accepted ones carry what their listener has;
    # socket.create_server() leaves it at 0.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        sys.exit(f"cannot listen on {shown(address)}: {error.strerror}")
    return listener
# ANCHOR_END: bind


def shown(address: Address) -> str:
    host, port = address
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


# ANCHOR: signals
async def serve_until_signal(serve: Serve, listener: socket.socket) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    # Clients that connect from here on wait in the backlog.
    address = shown(listener.getsockname()[:2])
    print(json.dumps({"listening": address}), flush=True)
    await serve(listener, stop)
# ANCHOR_END: signals


async def demo(serve: Serve, listener: socket.socket) -> None:
    address = listener.getsockname()
    stop = asyncio.Event()
    async with asyncio.timeout(TIMEOUT), asyncio.TaskGroup() as group:
        group.create_task(serve(listener, stop))
        report = await converse(address)
        stop.set()
    print(json.dumps(report))


async def converse(address: Address) -> dict[str, Any]:
    """The report on all clients talking at once."""
    async with contextlib.AsyncExitStack() as stack:
        clients = [
            await stack.enter_async_context(connection(address))
            for _ in range(CLIENTS)
        ]
        wall, cpu = time.perf_counter(), time.process_time()
        async with asyncio.TaskGroup() as group:
            talks = [
                group.create_task(talk(number, *client))
                for number, client in enumerate(clients)
            ]
        seconds = time.perf_counter() - wall
        cpu_seconds = time.process_time() - cpu
        for client in clients:
            await hang_up(*client)
    messages = CLIENTS * MESSAGES
    phase = {
        "seconds": seconds,
        "cpu_seconds": cpu_seconds,
        "work": messages,
    }
    echoed = sum(talk.result() for talk in talks)
    return {
        "result": {"messages": messages, "bytes": echoed},
        "phases": {"echo": phase},
    }


@contextlib.asynccontextmanager
async def connection(
    address: Address,
) -> AsyncIterator[tuple[StreamReader, StreamWriter]]:
    reader, writer = await asyncio.open_connection(*address)
    try:
        yield reader, writer
    finally:
        writer.close()
        await writer.wait_closed()


async def talk(
    client: int, reader: StreamReader, writer: StreamWriter
) -> int:
    """Sends every message and awaits its echo; the bytes that came back."""
    echoed = 0
    for number in range(MESSAGES):
        # No two messages are alike: an echo that belongs to another
        # message, or to another client, is told apart.
        serial = client * MESSAGES + number
        message = serial.to_bytes(8) * (MESSAGE_SIZE // 8)
        writer.write(message)
        await writer.drain()
        answer = await reader.readexactly(len(message))
        if answer != message:
            raise WrongEcho(f"message {number} of client {client}")
        echoed += len(answer)
    return echoed


async def hang_up(reader: StreamReader, writer: StreamWriter) -> None:
    """Says that nothing more will come; then the server has to close."""
    writer.write_eof()
    if rest := await reader.read():
        raise WrongEcho(f"{len(rest)} bytes after the last message")


class WrongEcho(Exception):
    """What came back is not what was sent."""


def first(error: BaseException) -> BaseException:
    """The error itself, or the first of a group, however nested."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
