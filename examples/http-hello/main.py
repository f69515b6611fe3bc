"""An HTTP server: httptools on an asyncio Protocol, asyncio's loop or uvloop.

GET / is answered by 1 KiB of text, everything else by 404. httptools
parses, the rest is here, and it is not all that a server in production
needs: time-outs, for one, are left to a proxy in front. The twins are
main.rs (axum on Tokio), main.go and node.mjs. Without `--listen` a demo
runs: four clients in this process, which check every answer.

    python examples/http-hello/main.py
    python examples/http-hello/main.py --listen 127.0.0.1:7007 --loop uvloop
"""

import argparse
import asyncio
import ipaddress
import json
import signal
import socket
import sys
import time
from asyncio import AbstractEventLoop
from collections.abc import Callable
from email.utils import formatdate
from http import HTTPStatus
from typing import Any, cast

import httptools

ALPHABET = b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-_"
BODY = ALPHABET * 16

BACKLOG = 1024
# Request line and headers beyond this are refused.
HEAD_AT_MOST = 64 * 1024

# The demo: so many clients ask so many times each.
CLIENTS = 4
REQUESTS = 250
TIMEOUT = 10.0

Address = tuple[str, int]


class Hello(asyncio.Protocol):
    """One connection. httptools calls the methods named on_..."""

    def __init__(self, connections: set[asyncio.Transport]) -> None:
        self.connections = connections
        self.parser = httptools.HttpRequestParser(self)
        self.url = b""
        self.head_size = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self.connections.add(self.transport)

    def data_received(self, data: bytes) -> None:
        self.head_size += len(data)
        try:
            # Several requests may come in one piece, or one in several.
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            # Answered as a plain request, as HTTP permits; the parser would
            # not read on.
            self.transport.close()
        except httptools.HttpParserError:
            self.refuse(HTTPStatus.BAD_REQUEST)
        if self.head_size > HEAD_AT_MOST:
            self.refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)

    # ANCHOR: answer
    def on_message_begin(self) -> None:
        self.url = b""

    def on_url(self, url: bytes) -> None:
        self.url += url

    def on_message_complete(self) -> None:
        self.head_size = 0
        if self.transport.is_closing():
            return  # It followed one after which the client wanted an end.
        if self.parser.get_method() == b"GET" and self.url == b"/":
            self.answer(HTTPStatus.OK, BODY)
        else:
            self.answer(HTTPStatus.NOT_FOUND, b"")
        if not self.parser.should_keep_alive():
            self.transport.close()

    def answer(self, status: HTTPStatus, body: bytes) -> None:
        head = (
            f"HTTP/1.1 {status.value} {status.phrase}\r\n"
            "Content-Type: text/plain\r\n"
            f"Content-Length: {len(body)}\r\n"
            f"Date: {http_date()}\r\n\r\n"
        )
        self.transport.write(head.encode("ascii") + body)
    # ANCHOR_END: answer

    def refuse(self, status: HTTPStatus) -> None:
        if not self.transport.is_closing():
            self.answer(status, b"")
            self.transport.close()

    # Backpressure: while the client does not read what it was sent, it is
    # not read from.
    def pause_writing(self) -> None:
        self.transport.pause_reading()

    def resume_writing(self) -> None:
        self.transport.resume_reading()

    def connection_lost(self, exc: Exception | None) -> None:
        self.connections.discard(self.transport)


_date = (0, "")


def http_date() -> str:
    """The Date header of now, which stays the same for a second."""
    global _date
    now = int(time.time())
    if _date[0] != now:
        _date = now, formatdate(now, usegmt=True)
    return _date[1]


async def serve(listener: socket.socket, stop: asyncio.Event) -> None:
    connections: set[asyncio.Transport] = set()
    loop = asyncio.get_running_loop()
    # The loop sets TCP_NODELAY on what this listener accepts: see bind().
    server = await loop.create_server(
        lambda: Hello(connections), sock=listener, backlog=BACKLOG
    )
    try:
        await stop.wait()
    finally:
        server.close()
        for transport in list(connections):
            transport.close()  # What is answered is sent.
        await server.wait_closed()


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__,
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
        factory = loop_factory(options.loop)
        with asyncio.Runner(loop_factory=factory) as runner:
            runner.run(work(listener))
    except* (OSError, EOFError, WrongAnswer) as failures:
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


def bind(address: Address) -> socket.socket:
    family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
    # The protocol is named because asyncio sets TCP_NODELAY only on sockets
    # that carry it, and accepted ones carry what their listener has.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        sys.exit(f"cannot listen on {shown(address)}: {error.strerror}")
    return listener


def shown(address: Address) -> str:
    host, port = address
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


async def serve_until_signal(listener: socket.socket) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    # Clients that connect from here on wait in the backlog.
    address = shown(listener.getsockname()[:2])
    print(json.dumps({"listening": address}), flush=True)
    await serve(listener, stop)


async def demo(listener: socket.socket) -> None:
    address = listener.getsockname()
    stop = asyncio.Event()
    async with asyncio.timeout(TIMEOUT), asyncio.TaskGroup() as group:
        group.create_task(serve(listener, stop))
        report = await converse(address)
        stop.set()
    print(json.dumps(report))


async def converse(address: Address) -> dict[str, Any]:
    """The report on all clients asking at once."""
    wall, cpu = time.perf_counter(), time.process_time()
    async with asyncio.TaskGroup() as group:
        clients = [group.create_task(ask(address)) for _ in range(CLIENTS)]
    phase = {
        "seconds": time.perf_counter() - wall,
        "cpu_seconds": time.process_time() - cpu,
        "work": CLIENTS * REQUESTS,
    }
    answered = sum(client.result() for client in clients)
    return {
        "result": {"requests": CLIENTS * REQUESTS, "bytes": answered},
        "phases": {"requests": phase},
    }


async def ask(address: Address) -> int:
    """Asks over one connection; the bytes of all bodies."""
    reader, writer = await asyncio.open_connection(*address)
    request = f"GET / HTTP/1.1\r\nHost: {shown(address)}\r\n\r\n".encode()
    length = f"\r\nContent-Length: {len(BODY)}\r\n".encode()
    answered = 0
    try:
        for _ in range(REQUESTS):
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            body = await reader.readexactly(len(BODY))
            if not head.startswith(b"HTTP/1.1 200 OK\r\n"):
                raise WrongAnswer(head)
            if length not in head or body != BODY:
                raise WrongAnswer(head + body)
            answered += len(body)
    finally:
        writer.close()
        await writer.wait_closed()
    return answered


class WrongAnswer(Exception):
    """What came is not what every server here must answer."""


def first(error: BaseException) -> BaseException:
    """The error itself, or the first of a group, however nested."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


if __name__ == "__main__":
    main()
