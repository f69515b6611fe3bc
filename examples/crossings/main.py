"""What it costs to cross the border between Python and Rust, in both ways.

The same step is called again and again, each time on what the call before
returned. From Python: a function of Python's (--how python) or Rust's
(call); awaited: a coroutine of Python's (await), one that is Rust's and
polled by asyncio (coroutine), a thread of asyncio's pool (thread), and a
task of Tokio that is through at once (tokio) or suspends once (later). From
Rust: a task of Tokio calls a function of Python's (back) or awaits a
coroutine of Python's (reverse), without coming back to Python between.

    python examples/crossings/main.py
    python examples/crossings/main.py --how reverse --calls 1000

It needs the module price_bridge; ../bridge/extension/src/lib.rs says how to
build it.
"""

import argparse
import asyncio
import json
import sys
import time
from collections.abc import Awaitable, Callable
from typing import Any

import price_bridge


# ANCHOR: steps
def step(value: int) -> int:
    return value * 31 % 227


async def async_step(value: int) -> int:
    return value * 31 % 227
# ANCHOR_END: steps


# ANCHOR: call
async def called(function: Callable[[int], int], calls: int) -> int:
    value = 1
    for _ in range(calls):
        value = function(value)
    return value
# ANCHOR_END: call


# ANCHOR: await
async def awaited(
    function: Callable[[int], Awaitable[int]], calls: int
) -> int:
    value = 1
    for _ in range(calls):
        value = await function(value)
    return value
# ANCHOR_END: await


async def in_thread(value: int) -> int:
    return await asyncio.to_thread(step, value)


# ANCHOR: how
HOW: dict[str, Callable[[int], Awaitable[int]]] = {
    "python": lambda calls: called(step, calls),
    "call": lambda calls: called(price_bridge.step, calls),
    "await": lambda calls: awaited(async_step, calls),
    "coroutine": lambda calls: awaited(price_bridge.step_in_loop, calls),
    "thread": lambda calls: awaited(in_thread, calls),
    "tokio": lambda calls: awaited(price_bridge.step_on_tokio, calls),
    "later": lambda calls: awaited(price_bridge.step_later, calls),
    "back": lambda calls: price_bridge.drive_calls(step, calls),
    "reverse": lambda calls: price_bridge.drive(async_step, calls),
}
# ANCHOR_END: how


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
    if not digits or not 1 <= int(text) <= 1_000_000_000:
        raise argparse.ArgumentTypeError(
            f"{text!r} is not a whole number from 1 to 1000000000"
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
        default="tokio",
        help="how the step is called (default: %(default)s)",
    )
    parser.add_argument(
        "--calls",
        type=count,
        default=2_000,
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
