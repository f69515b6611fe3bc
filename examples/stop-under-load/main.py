"""A service gets SIGTERM under load: who gets no answer, how long it takes.

The server is a process of its own, which this program starts on loopback. It
answers one request at a time on each connection, as HTTP/1.1 does: the
request is a line with a number and how many milliseconds the work lasts, the
answer a line with the next number and `keep` or `close`. Clients ask again
as soon as they have an answer; told `close`, they try a new connection. When
each has had an answer, the server is sent SIGTERM. Then it

- die: does nothing about it: the signal kills the process;
- return: returns from its main function, with tasks running;
- close: stops accepting, and waits for the connections to end;
- drain: stops accepting, tells clients, and waits for the connections.

The last two cancel after --deadline milliseconds what is left. All is done
twice: first every request takes --work milliseconds, then one takes for
ever. The twin is main.rs.

    python examples/stop-under-load/main.py
    python examples/stop-under-load/main.py --how close --loop uvloop

Counted are requests that never got an answer (dropped), answers that came
after the signal (answered), and clients that were told to go, and were
refused when they came again (refused).
"""

import argparse
import asyncio
import json
import signal
import sys
import time
from asyncio import AbstractEventLoop, StreamReader, StreamWriter
from asyncio.subprocess import PIPE, Process
from collections.abc import Callable
from typing import Any

# Bounds what a slip of the finger could take of file descriptors and time.
MOST_CONNECTIONS = 500
MOST_MILLISECONDS = 60_000

# What "for ever" is in this program: much longer than any deadline.
FOR_EVER = 600_000
# How long a connection that has no request is kept when the server stops: a
# request may be on its way.
LINGER = 0.25
# Nothing here should take so much longer than the waits that make it up.
PATIENCE = 30.0


class Failure(Exception):
    """What was done is not what was asked for."""


# The server.


# ANCHOR: draining
class Draining:
    """Whether the server is stopping, and the waits that this shortens."""

    def __init__(self) -> None:
        self.begun = False
        self.idle: set[asyncio.Timeout] = set()

    def begin(self) -> None:
        self.begun = True
        end = asyncio.get_running_loop().time() + LINGER
        for limit in self.idle:
            limit.reschedule(end)
# ANCHOR_END: draining


# ANCHOR: request
async def next_request(reader: StreamReader, draining: Draining) -> bytes:
    """The next line; nothing when there will be none."""
    try:
        limit = asyncio.timeout(LINGER if draining.begun else None)
        async with limit:
            draining.idle.add(limit)
            try:
                return await reader.readline()
            finally:
                draining.idle.discard(limit)
    except TimeoutError:
        return b""
# ANCHOR_END: request


# ANCHOR: converse
async def converse(
    reader: StreamReader, writer: StreamWriter, draining: Draining
) -> None:
    try:
        while line := await next_request(reader, draining):
            number, milliseconds = map(int, line.split())
            await asyncio.sleep(milliseconds / 1000)  # the work
            last = draining.begun
            manner = b"close" if last else b"keep"
            writer.write(b"%d %s\n" % (number + 1, manner))
            await writer.drain()
            if last:
                break
        writer.close()
        await writer.wait_closed()
    except OSError:
        pass  # The client broke off: there is nobody left to answer.
    finally:
        writer.transport.abort()  # nothing, after an orderly close
# ANCHOR_END: converse


async def serve(how: str, deadline: float) -> None:
    draining = Draining()
    connections: set[asyncio.Task[None]] = set()

    def connected(reader: StreamReader, writer: StreamWriter) -> None:
        task = asyncio.create_task(converse(reader, writer, draining))
        connections.add(task)
        task.add_done_callback(connections.discard)

    # ANCHOR: signal
    stop = asyncio.Event()
    if how != "die":
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGTERM, stop.set)
    # ANCHOR_END: signal

    # Room for all that connect at once; the kernel may allow less.
    server = await asyncio.start_server(
        connected, "127.0.0.1", 0, backlog=MOST_CONNECTIONS
    )
    print(server.sockets[0].getsockname()[1], flush=True)
    # ANCHOR: stop
    await stop.wait()
    if how == "return":
        return
    server.close()  # stops accepting, and nothing else
    if how == "drain":
        draining.begin()
    if connections:
        _, late = await asyncio.wait(connections, timeout=deadline)
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)
    # ANCHOR_END: stop


# The clients.


class Moment:
    """Now, on the wall and in this process's CPU time."""

    def __init__(self) -> None:
        self.wall = time.perf_counter()
        self.cpu = time.process_time()

    def phase_since(
        self, earlier: "Moment", work: int, counts: dict[str, int]
    ) -> dict[str, Any]:
        return {
            "seconds": self.wall - earlier.wall,
            "cpu_seconds": self.cpu - earlier.cpu,
            "work": work,
            "counts": counts,
        }


class Log:
    """What became of the requests."""

    def __init__(self, waits_for: int) -> None:
        self.to_come = waits_for
        self.all_served = asyncio.Event()
        self.signalled = False
        self.counts = {"dropped": 0, "answered": 0, "refused": 0}

    def first_answer(self) -> None:
        self.to_come -= 1
        if self.to_come == 0:
            self.all_served.set()


# ANCHOR: client
async def client(port: int, start: float, work: int, log: Log) -> None:
    await asyncio.sleep(start)  # so that they do not ask all at once
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    number, manner = 0, b"keep"
    try:
        while manner == b"keep":
            writer.write(b"%d %d\n" % (number, work))
            await writer.drain()
            line = await reader.readline()
            if not line.endswith(b"\n"):
                raise ConnectionResetError("no answer")
            answer, manner = line.split()
            if int(answer) != number + 1:
                raise Failure(f"{answer!r} is no answer to {number}")
            number += 1
            if number == 1:
                log.first_answer()
            log.counts["answered"] += log.signalled
    except ConnectionError:
        log.counts["dropped"] += 1
        return
    finally:
        writer.transport.abort()
    try:
        _, again = await asyncio.open_connection("127.0.0.1", port)
    except ConnectionRefusedError:
        log.counts["refused"] += 1  # and would try another server
    else:
        again.transport.abort()
        raise Failure("a server that says `close` still accepts")
# ANCHOR_END: client


async def start_server(options: argparse.Namespace) -> tuple[Process, int]:
    process = await asyncio.create_subprocess_exec(
        *[sys.executable, __file__, "--serve"],
        *["--how", options.how, "--loop", options.loop],
        *["--deadline", str(options.deadline)],
        stdout=PIPE,
    )
    assert process.stdout is not None
    line = await process.stdout.readline()
    if not line.strip().isdigit():
        raise Failure("the server did not say where it listens")
    return process, int(line)


async def stopped_under_load(
    options: argparse.Namespace, stuck: int
) -> dict[str, Any]:
    """One server from start to end; so many of the clients are stuck."""
    count = options.connections
    log = Log(count - stuck)
    process, port = await start_server(options)
    try:
        async with asyncio.timeout(PATIENCE), asyncio.TaskGroup() as clients:
            for index in range(count):
                work = FOR_EVER if index < stuck else options.work
                start = options.work / 1000 * index / count
                clients.create_task(client(port, start, work, log))
            await log.all_served.wait()
            # ANCHOR: terminate
            log.signalled = True
            sent = Moment()
            process.terminate()  # SIGTERM
            code = await process.wait()
            gone = Moment()
            # ANCHOR_END: terminate
    except TimeoutError:
        raise Failure("the server, or a client, did not end") from None
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    expected = -signal.SIGTERM if options.how == "die" else 0
    if code != expected:
        raise Failure(f"the server ended with {code}, not with {expected}")
    if (ended := log.counts["dropped"] + log.counts["refused"]) != count:
        raise Failure(f"{ended} of {count} clients came to an end")
    return gone.phase_since(sent, count, log.counts)


async def run(options: argparse.Namespace) -> dict[str, Any]:
    return {
        "result": {"clients": options.connections, "stuck": 1},
        "phases": {
            "load": await stopped_under_load(options, stuck=0),
            "stuck": await stopped_under_load(options, stuck=1),
        },
    }


def loop_factory(name: str) -> Callable[[], AbstractEventLoop] | None:
    if name == "asyncio":
        return None
    try:
        import uvloop
    except ImportError as error:
        sys.exit(f"--loop uvloop: {error} (see requirements.txt)")
    return uvloop.new_event_loop


def between(least: int, most: int) -> Callable[[str], int]:
    def count(text: str) -> int:
        digits = text.isascii() and text.isdigit()
        if not digits or not least <= int(text) <= most:
            raise argparse.ArgumentTypeError(
                f"{text!r} is not a whole number from {least} to {most}"
            )
        return int(text)

    return count


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--how",
        choices=("die", "return", "close", "drain"),
        default="drain",
        help="what the server does at SIGTERM (default: %(default)s)",
    )
    parser.add_argument(
        "--connections",
        type=between(2, MOST_CONNECTIONS),
        default=20,
        metavar="N",
        help="how many clients ask (default: %(default)s)",
    )
    parser.add_argument(
        "--work",
        type=between(1, MOST_MILLISECONDS),
        default=100,
        metavar="MS",
        help="milliseconds that a request takes (default: %(default)s)",
    )
    parser.add_argument(
        "--deadline",
        type=between(1, MOST_MILLISECONDS),
        default=400,
        metavar="MS",
        help="milliseconds until the server cancels (default: %(default)s)",
    )
    parser.add_argument(
        "--loop",
        choices=("asyncio", "uvloop"),
        default="asyncio",
        help="the event loop of the server (default: %(default)s)",
    )
    parser.add_argument(
        "--serve",
        action="store_true",
        help="be the server, on a free port that is printed",
    )
    options = parser.parse_args()
    if options.serve:
        factory = loop_factory(options.loop)
        with asyncio.Runner(loop_factory=factory) as runner:
            runner.run(serve(options.how, options.deadline / 1000))
        return
    try:
        report = asyncio.run(run(options))
    except* Failure as errors:
        sys.exit("; ".join(str(error) for error in leaves(errors)))
    print(json.dumps(report))


def leaves(group: BaseExceptionGroup[Failure]) -> list[BaseException]:
    """The errors of a group, however nested."""
    found: list[BaseException] = []
    for error in group.exceptions:
        nested = isinstance(error, BaseExceptionGroup)
        found += leaves(error) if nested else [error]
    return found


if __name__ == "__main__":
    main()
