"""What the Python clients share: the command line, the peer that answers
when no other is named, and the report.

Not a program of its own: run main.py, httpx_client.py, threads.py or
sequential.py.
"""

import argparse
import asyncio
import contextlib
import json
import re
import socket
import sys
import threading
import time
from asyncio import StreamReader, StreamWriter
from collections.abc import Iterator
from http import HTTPStatus
from urllib.parse import urlsplit

# Seconds for one request, from connecting to the last byte of the answer.
TIMEOUT = 10.0
# How long the peer takes to answer, as a database or a far network would.
DELAY = 0.010
# Clients that the peer lets wait before they are accepted.
BACKLOG = 1024
# The largest head of a request that the peer reads.
HEAD_LIMIT = 16 * 1024


class WrongAnswer(Exception):
    """The peer answered, but not what was asked for."""


def check(i: int) -> int:
    """What item i carries, so that a client can prove it read them all."""
    return i * 2654435761 % 2**32


# The command line.


def options(
    description: str | None,
    *,
    concurrency: bool = True,
    loop: bool = False,
    clients: bool = False,
) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=description,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--base",
        type=http_url,
        metavar="URL",
        help="GET from URL/item/0, URL/item/1... (default: an own peer)",
    )
    parser.add_argument(
        "--gets",
        type=positive,
        default=100,
        metavar="N",
        help="how many items to GET (default: %(default)s)",
    )
    if concurrency:
        parser.add_argument(
            "--concurrency",
            type=positive,
            default=20,
            metavar="N",
            help="workers, one GET each at a time (default: %(default)s)",
        )
        parser.add_argument(
            "--each",
            type=positive,
            metavar="N",
            help="no more than N GETs times the workers (default: no limit)",
        )
    if loop:
        parser.add_argument(
            "--loop",
            choices=("asyncio", "uvloop"),
            default="asyncio",
            help="the event loop (default: %(default)s)",
        )
    if clients:
        parser.add_argument(
            "--clients",
            type=positive,
            default=1,
            metavar="N",
            help="clients that share the workers (default: %(default)s)",
        )
    given = parser.parse_args()
    # Few workers take long over many GETs.
    if concurrency and given.each is not None:
        given.gets = min(given.gets, given.each * given.concurrency)
    return given


def positive(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text)):
        raise argparse.ArgumentTypeError(
            f"{text!r} is not a positive whole number"
        )
    return int(text)


def http_url(text: str) -> str:
    try:
        url = urlsplit(text)
        # Reading the port checks it.
        port = url.port
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r}: {error}") from None
    plain = not (url.query or url.fragment)
    if url.scheme != "http" or not url.hostname or port == 0 or not plain:
        raise argparse.ArgumentTypeError(
            f"{text!r} is not like http://127.0.0.1:8000"
        )
    return text.rstrip("/")


# Measuring, and what is printed.


class Phase:
    """Measures from its construction until it is stopped."""

    def __init__(self) -> None:
        self._wall = time.perf_counter()
        self._cpu = time.process_time()

    def stop(self) -> None:
        self.seconds = time.perf_counter() - self._wall
        self.cpu_seconds = time.process_time() - self._cpu


def report(phase: Phase, gets: int, total: int) -> None:
    if total != (expected := sum(check(i) for i in range(gets))):
        raise WrongAnswer(f"the checks sum to {total}, not to {expected}")
    measured = {
        "seconds": phase.seconds,
        "cpu_seconds": phase.cpu_seconds,
        "work": gets,
    }
    result = {"gets": gets, "sum": total}
    print(json.dumps({"result": result, "phases": {"gets": measured}}))


@contextlib.contextmanager
def failures(*kinds: type[Exception]) -> Iterator[None]:
    """Ends the program with a message and status 1 on wrong answers, on
    failures of the network, and on those of these kinds, alone or grouped.
    """
    caught: tuple[type[Exception], ...]
    # ValueError: what came is not JSON, or not even text.
    caught = (OSError, ValueError, WrongAnswer, *kinds)
    failure: BaseException | None = None
    try:
        yield
    except* caught as group:
        # One is enough to tell what happened, and all may tell the same.
        failure = group
        while isinstance(failure, BaseExceptionGroup):
            failure = failure.exceptions[0]
    if failure is not None:
        # A time-out has nothing to add to its name.
        sys.exit(f"{type(failure).__name__}: {failure}".removesuffix(": "))


# The peer: HTTP/1.1 with keep-alive, in a thread with a loop of its own.


@contextlib.contextmanager
def base_url(given: str | None) -> Iterator[str]:
    """The base that was given, or that of a peer started for the purpose."""
    if given is not None:
        yield given
        return

    # asyncio sets TCP_NODELAY only where the protocol is named.
    listener = socket.socket(
        socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP
    )
    listener.bind(("127.0.0.1", 0))
    listener.listen(BACKLOG)
    port = listener.getsockname()[1]
    loop = asyncio.new_event_loop()
    stop = asyncio.Event()

    def run() -> None:
        with asyncio.Runner(loop_factory=lambda: loop) as runner:
            runner.run(serve(listener, stop))

    thread = threading.Thread(target=run, name="peer")
    thread.start()
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join()


async def serve(listener: socket.socket, stop: asyncio.Event) -> None:
    connections: set[asyncio.Task[None]] = set()

    def connected(reader: StreamReader, writer: StreamWriter) -> None:
        task = asyncio.create_task(converse(reader, writer))
        connections.add(task)
        task.add_done_callback(connections.discard)

    server = await asyncio.start_server(
        connected, sock=listener, backlog=BACKLOG, limit=HEAD_LIMIT
    )
    await stop.wait()
    server.close()
    for task in connections:
        task.cancel()
    await asyncio.gather(*connections, return_exceptions=True)
    await server.wait_closed()


async def converse(reader: StreamReader, writer: StreamWriter) -> None:
    """Answers one request after another, until either side has enough."""
    keep_alive = True
    try:
        while keep_alive:
            try:
                head = await reader.readuntil(b"\r\n\r\n")
            except asyncio.LimitOverrunError:
                status, body = HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, b""
                keep_alive = False
            else:
                text = head.decode("latin-1")
                status, body, keep_alive = await answer(text)
            writer.write(response(status, body, keep_alive))
            await writer.drain()
        writer.close()
        await writer.wait_closed()
    except (OSError, asyncio.IncompleteReadError):
        pass  # The client has gone.
    finally:
        writer.transport.abort()


async def answer(head: str) -> tuple[HTTPStatus, bytes, bool]:
    """Status, body, and whether the connection stays open."""
    request, *lines = head.removesuffix("\r\n\r\n").split("\r\n")
    parsed = re.fullmatch(r"(\S+) (\S+) HTTP/1\.([01])", request)
    fields = {
        name.lower(): value.strip().lower()
        for name, _, value in (line.partition(":") for line in lines)
    }
    has_body = (
        "transfer-encoding" in fields
        or fields.get("content-length", "0") != "0"
    )
    # No request has a body here, and one that had would be taken for the
    # next request.
    if parsed is None or "host" not in fields or has_body:
        return HTTPStatus.BAD_REQUEST, b"", False

    method, target, minor = parsed.groups()
    tokens = fields.get("connection", "").replace(" ", "").split(",")
    keep_alive = minor == "1" and "close" not in tokens
    if method != "GET":
        # To a HEAD there must be no body, and here there is none.
        return HTTPStatus.METHOD_NOT_ALLOWED, b"", keep_alive
    item = re.fullmatch(r"/item/([0-9]{1,18})", target)
    if item is None:
        return HTTPStatus.NOT_FOUND, b"", keep_alive
    await asyncio.sleep(DELAY)
    i = int(item[1])
    body = json.dumps({"id": i, "check": check(i)}).encode()
    return HTTPStatus.OK, body, keep_alive


def response(status: HTTPStatus, body: bytes, keep_alive: bool) -> bytes:
    lines = [f"HTTP/1.1 {status.value} {status.phrase}"]
    if status is HTTPStatus.OK:
        lines.append("Content-Type: application/json")
    if status is HTTPStatus.METHOD_NOT_ALLOWED:
        lines.append("Allow: GET")
    if not keep_alive:
        lines.append("Connection: close")
    lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode("ascii") + body
