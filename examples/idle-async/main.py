"""What `async` costs where nothing waits: calls of a function that computes.

The same step is called as an ordinary function (`plain`), as an `async def`
that is awaited and has nothing to wait for (`await`), as a task of its own
(`task`), and in a thread of asyncio's pool (`thread`). Each call works on
what the one before returned. The twin is main.rs.

    python examples/idle-async/main.py
    python examples/idle-async/main.py --how task --calls 100000
"""

import argparse
import asyncio
import json
import sys
import time
from collections.abc import Awaitable, Callable
from typing import Any

# Bounds what a slip of the finger could take of the time.
MOST_CALLS = 10_000_000_000


# ANCHOR: plain
def step(value: int) -> int:
    return value * 31 % 227


async def plain(calls: int) -> int:
    value = 1
    for _ in range(calls):
        value = step(value)
    return value
# ANCHOR_END: plain


# ANCHOR: await
async def async_step(value: int) -> int:
    return value * 31 % 227


async def awaited(calls: int) -> int:
    value = 1
    for _ in range(calls):
        value = await async_step(value)
    return value
# ANCHOR_END: await


# ANCHOR: task
async def in_tasks(calls: int) -> int:
    value = 1
    for _ in range(calls):
        value = await asyncio.create_task(async_step(value))
    return value
# ANCHOR_END: task


# ANCHOR: thread
async def in_thread(calls: int) -> int:
    value = 1
    for _ in range(calls):
        value = await asyncio.to_thread(step, value)
    return value
# ANCHOR_END: thread


HOW: dict[str, Callable[[int], Awaitable[int]]] = {
    "plain": plain,
    "await": awaited,
    "task": in_tasks,
    "thread": in_thread,
}


async def measured(how: str, calls: int) -> dict[str, Any]:
    await HOW[how](100)  # starts what there is to start
    wall, cpu = time.perf_counter(), time.process_time()
    value = await HOW[how](calls)
    phase = {
        "seconds": time.perf_counter() - wall,
        "cpu_seconds": time.process_time() - cpu,
        "work": calls,
    }
    return {
        "result": {"calls": calls, "value": value},
        "phases": {"calls": phase},
    }


def count(text: str) -> int:
    digits = text.isascii() and text.isdigit()
    if not digits or not 1 <= int(text) <= MOST_CALLS:
        raise argparse.ArgumentTypeError(
            f"{text!r} is not a whole number from 1 to {MOST_CALLS}"
        )
    return int(text)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--how",
        choices=HOW,
        default="await",
        help="how the step is called (default: %(default)s)",
    )
    parser.add_argument(
        "--calls",
        type=count,
        default=5_000,
        metavar="N",
        help="how many calls (default: %(default)s)",
    )
    options = parser.parse_args()
    try:
        report = asyncio.run(measured(options.how, options.calls))
    except KeyboardInterrupt:
        sys.exit(130)
    print(json.dumps(report))


if __name__ == "__main__":
    main()
