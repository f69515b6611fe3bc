"""What it costs to leave a stream half-way, and when it cleans up.

An asynchronous generator gives rows over a connection that it takes from a
pool, and gives it back in its `finally`. The consumer leaves after ten rows:
out of the loop and nothing else (`leave`), or with `contextlib.aclosing`
around the loop (`aclosing`). Counted is how often the connection was not
back when the consumer went on, and how many were out at most. The twin is
main.rs.

    python examples/stream-close/main.py
    python examples/stream-close/main.py --how aclosing
    python examples/stream-close/main.py --how leave --loop uvloop

The streams come in bursts. Within a burst nothing ever has to wait, as when
all rows are in a buffer; after it the consumer waits until every connection
is back.
"""

import argparse
import asyncio
import itertools
import json
import sys
import time
from asyncio import AbstractEventLoop
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from typing import Any

# Bounds what a slip of the finger could take of the time.
MOST_STREAMS = 1_000_000_000
# And what a burst could take of the memory.
MOST_IN_A_BURST = 100_000
# The row that is looked for.
WANTED = 9


class Failure(Exception):
    """What was done is not what was asked for."""


# ANCHOR: pool
class Pool:
    def __init__(self) -> None:
        self.out = 0
        self.most_out = 0

    def take(self) -> None:
        self.out += 1
        self.most_out = max(self.most_out, self.out)

    def give_back(self) -> None:
        self.out -= 1
# ANCHOR_END: pool


# ANCHOR: rows
async def rows(pool: Pool) -> AsyncGenerator[int, None]:
    pool.take()
    try:
        for row in itertools.count():
            yield row
    finally:
        pool.give_back()
# ANCHOR_END: rows


# ANCHOR: find
async def find(pool: Pool, wanted: int) -> int | None:
    async for row in rows(pool):
        if row == wanted:
            return row
    return None
# ANCHOR_END: find


# ANCHOR: closing
async def find_closing(pool: Pool, wanted: int) -> int | None:
    async with aclosing(rows(pool)) as stream:
        async for row in stream:
            if row == wanted:
                return row
    return None
# ANCHOR_END: closing


Find = Callable[[Pool, int], Awaitable[int | None]]

HOW: dict[str, Find] = {"leave": find, "aclosing": find_closing}


async def run(how: str, streams: int, burst: int) -> dict[str, Any]:
    found = HOW[how]
    pool = Pool()
    total = late = 0
    wall, cpu = time.perf_counter(), time.process_time()
    for number in range(1, streams + 1):
        out_before = pool.out
        row = await found(pool, WANTED)
        if row is None:
            raise Failure("the row is not there")
        total += row
        late += pool.out > out_before
        if number % burst == 0 or number == streams:
            while pool.out > 0:
                await asyncio.sleep(0)
    seconds = time.perf_counter() - wall
    cpu_seconds = time.process_time() - cpu
    phase = {
        "seconds": seconds,
        "cpu_seconds": cpu_seconds,
        "work": streams,
        "counts": {"late": late, "most_out": pool.most_out},
    }
    return {
        "result": {"streams": streams, "sum": total},
        "phases": {"streams": phase},
    }


def loop_factory(name: str) -> Callable[[], AbstractEventLoop] | None:
    if name == "asyncio":
        return None
    try:
        import uvloop
    except ImportError as error:
        sys.exit(f"--loop uvloop: {error} (see requirements.txt)")
    return uvloop.new_event_loop


def at_most(most: int) -> Callable[[str], int]:
    def count(text: str) -> int:
        digits = text.isascii() and text.isdigit()
        if not digits or not 1 <= int(text) <= most:
            raise argparse.ArgumentTypeError(
                f"{text!r} is not a whole number from 1 to {most}"
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
        choices=HOW,
        default="leave",
        help="how the consumer leaves a stream (default: %(default)s)",
    )
    parser.add_argument(
        "--streams",
        type=at_most(MOST_STREAMS),
        default=5000,
        metavar="N",
        help="how many streams are left half-way (default: %(default)s)",
    )
    parser.add_argument(
        "--burst",
        type=at_most(MOST_IN_A_BURST),
        default=100,
        metavar="N",
        help="how many before the consumer waits (default: %(default)s)",
    )
    parser.add_argument(
        "--loop",
        choices=("asyncio", "uvloop"),
        default="asyncio",
        help="the event loop (default: %(default)s)",
    )
    options = parser.parse_args()
    factory = loop_factory(options.loop)
    try:
        with asyncio.Runner(loop_factory=factory) as runner:
            report = runner.run(
                run(options.how, options.streams, options.burst)
            )
    except Failure as error:
        sys.exit(str(error))
    print(json.dumps(report))


if __name__ == "__main__":
    main()
