"""A TCP echo server on trio, and on anyio over asyncio or over trio.

Whatever bytes arrive go back, in order, until the client closes. asyncio's
own is ../tcp-echo/main.py; main.rs has the runtimes of Rust. Without
`--listen` a demo runs: four clients on threads of this process, which check
every byte.

    python examples/echo-runtimes/main.py --on anyio-asyncio
    python examples/echo-runtimes/main.py --listen 127.0.0.1:7007 --on trio
"""

import argparse
import ipaddress
import json
import signal
import socket
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import anyio
import anyio.abc
import anyio.to_thread
import trio

BACKLOG = 1024
READ_SIZE = 64 * 1024
STOP = (signal.SIGTERM, signal.SIGINT)

# The demo: so many clients send so many messages each, one at a time.
CLIENTS = 4
MESSAGES = 250
MESSAGE_SIZE = 1024
TIMEOUT = 10.0


# ANCHOR: echo
async def echo(stream: trio.SocketStream) -> None:
    try:
        while data := await stream.receive_some(READ_SIZE):
            # Backpressure: a client that does not read is not read from.
            await stream.send_all(data)
    except trio.BrokenResourceError:
        pass  # The client broke off: there is nobody left to answer.
# ANCHOR_END: echo


# ANCHOR: trio
async def on_trio(listener: socket.socket, demo: bool) -> None:
    address = listener.getsockname()[:2]
    bound = trio.SocketListener(trio.socket.from_stdlib_socket(listener))
    with trio.open_signal_receiver(*STOP) as stop:
        async with trio.open_nursery() as nursery:
            # One task for each connection, which closes it at its end.
            nursery.start_soon(trio.serve_listeners, echo, [bound])
            if demo:
                await trio.to_thread.run_sync(converse, address)
            else:
                tell(address)
                await anext(stop)
            # Listener and connections: all that the nursery holds.
            nursery.cancel_scope.cancel()
# ANCHOR_END: trio


# ANCHOR: anyio
async def echo_on_either(stream: anyio.abc.SocketStream) -> None:
    async with stream:
        try:
            while True:
                await stream.send(await stream.receive(READ_SIZE))
        except (anyio.EndOfStream, anyio.BrokenResourceError):
            pass


async def on_anyio(listener: socket.socket, demo: bool) -> None:
    address = listener.getsockname()[:2]
    bound = await anyio.abc.SocketListener.from_socket(listener)
    with anyio.open_signal_receiver(*STOP) as stop:
        async with bound, anyio.create_task_group() as group:
            group.start_soon(bound.serve, echo_on_either, group)
            if demo:
                await anyio.to_thread.run_sync(converse, address)
            else:
                tell(address)
                await anext(stop)
            group.cancel_scope.cancel()
# ANCHOR_END: anyio


def run(on: str, listener: socket.socket, demo: bool) -> None:
    # ANCHOR: run
    match on:
        case "trio":
            trio.run(on_trio, listener, demo)
        case "anyio-asyncio":
            anyio.run(on_anyio, listener, demo, backend="asyncio")
        case "anyio-trio":
            anyio.run(on_anyio, listener, demo, backend="trio")
    # ANCHOR_END: run


Address = tuple[str, int]


def tell(address: Address) -> None:
    # Clients that connect from here on wait in the backlog.
    print(json.dumps({"listening": shown(address)}), flush=True)


def converse(address: Address) -> None:
    """Prints the report on all clients talking at once."""
    wall, cpu = time.perf_counter(), time.process_time()
    with ThreadPoolExecutor(CLIENTS) as clients:
        talks = clients.map(talk, range(CLIENTS), [address] * CLIENTS)
        echoed = sum(talks)
    phase = {
        "seconds": time.perf_counter() - wall,
        "cpu_seconds": time.process_time() - cpu,
        "work": CLIENTS * MESSAGES,
    }
    result = {"messages": CLIENTS * MESSAGES, "bytes": echoed}
    print(json.dumps({"result": result, "phases": {"echo": phase}}))


def talk(client: int, address: Address) -> int:
    """Sends every message, awaits its echo, and hangs up; the bytes that
    came back."""
    echoed = 0
    with socket.create_connection(address, timeout=TIMEOUT) as stream:
        stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        arriving = stream.makefile("rb")
        for number in range(MESSAGES):
            # No two messages are alike: an echo that belongs to another
            # message, or to another client, is told apart.
            serial = client * MESSAGES + number
            message = serial.to_bytes(8) * (MESSAGE_SIZE // 8)
            stream.sendall(message)
            if arriving.read(len(message)) != message:
                raise WrongEcho(f"message {number} of client {client}")
            echoed += len(message)
        # Nothing more will come; then the server has to close.
        stream.shutdown(socket.SHUT_WR)
        if rest := arriving.read():
            raise WrongEcho(f"{len(rest)} bytes after the last message")
    return echoed


class WrongEcho(Exception):
    """What came back is not what was sent."""


def parsed(text: str) -> Address:
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


def shown(address: Address) -> str:
    host, port = address
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def bind(address: Address) -> socket.socket:
    family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        sys.exit(f"cannot listen on {shown(address)}: {error.strerror}")
    return listener


def first(error: BaseException) -> BaseException:
    """The error itself, or the first of a group, however nested."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--listen",
        type=parsed,
        metavar="IP:PORT",
        help="serve here until SIGTERM or SIGINT; port 0 takes a free one"
        " (default: run the demo)",
    )
    parser.add_argument(
        "--on",
        choices=("trio", "anyio-asyncio", "anyio-trio"),
        default="trio",
        help="the library (default: %(default)s)",
    )
    options: Any = parser.parse_args()
    listener = bind(options.listen or ("127.0.0.1", 0))
    failure: BaseException | None = None
    try:
        run(options.on, listener, demo=options.listen is None)
    except* (OSError, WrongEcho) as failures:
        failure = first(failures)
    if failure:
        # A time-out has nothing to add to its name.
        sys.exit(f"{type(failure).__name__}: {failure}".removesuffix(": "))


if __name__ == "__main__":
    main()
