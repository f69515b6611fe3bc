"""Ping-pong over pairs of sockets on asyncio: what a message costs, and how
often a task is stepped and woken for it.

On Tokio the same is main.rs; mini.rs brings a runtime of its own.

    python examples/mini-runtime/main.py
    python examples/mini-runtime/main.py --pairs 100 --loop uvloop

The sockets are used by sock_recv and sock_sendall, the loop's methods for
tasks that own a socket. Streams would put a buffer and a Protocol between,
which the Rust programs do not have.

Two games are played. The first is timed. In the second, shorter one every
coroutine is wrapped in one that counts its steps, and the loop counts how
often it queues a task; that costs something, so nothing is made of its time.
"""

import argparse
import asyncio
import json
import socket
import sys
import time
from asyncio import AbstractEventLoop
from collections import Counter
from collections.abc import Callable, Coroutine, Generator
from typing import Any

# The counted game is shorter by this factor.
COUNTED = 5

Wrap = Callable[[Coroutine[Any, Any, Any]], Coroutine[Any, Any, Any]]


class Failure(Exception):
    """What came back is not what was to come back."""


async def receive(loop: AbstractEventLoop, sock: socket.socket) -> int:
    data = b""
    while len(data) < 8:
        more = await loop.sock_recv(sock, 8 - len(data))
        if not more:
            raise Failure("the other side has closed")
        data += more
    return int.from_bytes(data)


# ANCHOR: play
async def ping(sock: socket.socket, first: int, rounds: int) -> int:
    loop = asyncio.get_running_loop()
    number = first
    for _ in range(rounds):
        await loop.sock_sendall(sock, number.to_bytes(8))
        answer = await receive(loop, sock)
        if answer != number + 1:
            raise Failure(f"{number} was answered {answer}")
        number = answer
    return number


async def pong(sock: socket.socket, rounds: int) -> None:
    loop = asyncio.get_running_loop()
    for _ in range(rounds):
        answer = await receive(loop, sock) + 1
        await loop.sock_sendall(sock, answer.to_bytes(8))
# ANCHOR_END: play


# ANCHOR: counted
class Counted(Coroutine[Any, Any, Any]):
    """Steps the coroutine inside, and counts."""

    def __init__(
        self, coroutine: Coroutine[Any, Any, Any], counts: Counter[str]
    ) -> None:
        self.coroutine = coroutine
        self.counts = counts

    def send(self, value: Any) -> Any:
        self.counts["polls"] += 1
        return self.coroutine.send(value)

    def throw(self, *error: Any) -> Any:
        self.counts["polls"] += 1
        return self.coroutine.throw(*error)

    def close(self) -> None:
        self.coroutine.close()

    def __await__(self) -> Generator[Any, Any, Any]:
        return self.coroutine.__await__()


def counting(
    loop_type: type[AbstractEventLoop], counts: Counter[str]
) -> AbstractEventLoop:
    """A loop that counts how often a task is queued: its wake-ups."""

    class Counting(loop_type):  # type: ignore[misc, valid-type]
        def call_soon(
            self, callback: Callable[..., Any], *args: Any, **kwargs: Any
        ) -> asyncio.Handle:
            # A future's callback for the task that awaits it is a method
            # of that task.
            owner = getattr(callback, "__self__", None)
            counts["wakes"] += isinstance(owner, asyncio.Task)
            return super().call_soon(callback, *args, **kwargs)

    return Counting()
# ANCHOR_END: counted


async def play(pairs: int, rounds: int, wrap: Wrap) -> int:
    """The sum of the last numbers of all pairs."""
    pings: list[asyncio.Task[int]] = []
    sockets: list[socket.socket] = []
    try:
        async with asyncio.TaskGroup() as tasks:
            for pair in range(pairs):
                near, far = socket.socketpair()
                for sock in (near, far):
                    sock.setblocking(False)
                    sockets.append(sock)
                first = pair * rounds
                pinging = wrap(ping(near, first, rounds))
                pings.append(tasks.create_task(pinging))
                tasks.create_task(wrap(pong(far, rounds)))
    finally:
        for sock in sockets:
            sock.close()
    total = sum(task.result() for task in pings)
    # Pair p begins at p times the rounds, and each round adds one.
    expected = rounds * pairs * (pairs + 1) // 2
    if total != expected:
        raise Failure(f"the numbers sum to {total}, not {expected}")
    return total


async def timed(
    pairs: int, rounds: int, wrap: Wrap
) -> tuple[int, dict[str, Any]]:
    wall, cpu = time.perf_counter(), time.process_time()
    total = await play(pairs, rounds, wrap)
    seconds = time.perf_counter() - wall
    cpu_seconds = time.process_time() - cpu
    work = 2 * pairs * rounds
    return total, {
        "seconds": seconds,
        "cpu_seconds": cpu_seconds,
        "work": work,
    }


def run(pairs: int, messages: int, loop_name: str) -> dict[str, Any]:
    rounds = messages // (2 * pairs)
    counted_rounds = -(-rounds // COUNTED)
    counts: Counter[str] = Counter(polls=0, wakes=0)
    loop_type = loop_class(loop_name)

    with asyncio.Runner(loop_factory=loop_type) as runner:
        total, playing = runner.run(timed(pairs, rounds, lambda it: it))
    with asyncio.Runner(
        loop_factory=lambda: counting(loop_type, counts)
    ) as runner:
        _, counted = runner.run(
            timed(pairs, counted_rounds, lambda it: Counted(it, counts))
        )
        counted["counts"] = dict(counts)
    return {
        "result": {"pairs": pairs, "rounds": rounds, "sum": total},
        "phases": {"play": playing, "counted": counted},
    }


def loop_class(name: str) -> type[AbstractEventLoop]:
    if name == "asyncio":
        return asyncio.SelectorEventLoop
    try:
        import uvloop
    except ImportError as error:
        sys.exit(f"--loop uvloop: {error} (see requirements.txt)")
    return uvloop.Loop


def whole_number(least: int, most: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        digits = text.isascii() and text.isdigit()
        if not digits or not least <= int(text) <= most:
            raise argparse.ArgumentTypeError(
                f"{text!r} is not a whole number from {least} to {most}"
            )
        return int(text)

    return parse


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--pairs",
        type=whole_number(1, 1000),
        default=10,
        metavar="N",
        help="pairs of sockets that play at the same time"
        " (default: %(default)s)",
    )
    parser.add_argument(
        "--messages",
        type=whole_number(2000, 1_000_000_000),
        default=4_000,
        metavar="N",
        help="messages in all, both ways; rounded down to whole rounds"
        " (default: %(default)s)",
    )
    parser.add_argument(
        "--loop",
        choices=("asyncio", "uvloop"),
        default="asyncio",
        help="the event loop (default: %(default)s)",
    )
    options = parser.parse_args()
    try:
        report = run(options.pairs, options.messages, options.loop)
    except* (Failure, OSError) as failures:
        sys.exit(f"{failures.exceptions[0]}")
    print(json.dumps(report))


if __name__ == "__main__":
    main()
