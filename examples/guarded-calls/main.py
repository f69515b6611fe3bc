"""What a time-out costs that does not fire, which is what most of them do.

Many callers make one call after another. A call lets the others run once, as
one that waits for a service does, and returns its number. It is made bare
(`none`), under `asyncio.timeout` (`timeout`), under `asyncio.wait_for`
(`wait-for`), or as a task of its own that a time-out leaves alone (`task`).
All that the calls return is summed. The twin is main.rs.

    python examples/guarded-calls/main.py
    python examples/guarded-calls/main.py --guard wait-for --loop uvloop
"""

import argparse
import asyncio
import json
import sys
import time
from asyncio import AbstractEventLoop
from collections.abc import Awaitable, Callable
from typing import Any

# Bounds what a slip of the finger could take of the time.
MOST_CALLS = 1_000_000_000
# And of the memory.
MOST_CALLERS = 100_000


class Failure(Exception):
    """What was done is not what was asked for."""


# ANCHOR: call
LIMIT = 30  # seconds: far more than any call takes


async def call(number: int) -> int:
    await asyncio.sleep(0)
    return number
# ANCHOR_END: call


# ANCHOR: timeout
async def with_timeout(number: int) -> int:
    async with asyncio.timeout(LIMIT):
        return await call(number)
# ANCHOR_END: timeout


# ANCHOR: wait_for
async def with_wait_for(number: int) -> int:
    return await asyncio.wait_for(call(number), LIMIT)
# ANCHOR_END: wait_for


# ANCHOR: task
running: set[asyncio.Task[int]] = set()


async def in_a_task(number: int) -> int:
    task = asyncio.create_task(call(number))
    running.add(task)  # it outlives the time-out, so it needs an owner
    task.add_done_callback(running.discard)
    done, _ = await asyncio.wait([task], timeout=LIMIT)  # cancels nothing
    if not done:
        raise TimeoutError
    return task.result()
# ANCHOR_END: task


Guarded = Callable[[int], Awaitable[int]]

GUARDS: dict[str, Guarded] = {
    "none": call,
    "timeout": with_timeout,
    "wait-for": with_wait_for,
    "task": in_a_task,
}


# ANCHOR: caller
async def caller(numbers: range, guarded: Guarded) -> int:
    total = 0
    for number in numbers:
        total += await guarded(number)
    return total
# ANCHOR_END: caller


async def measured(guard: str, calls: int, callers: int) -> dict[str, Any]:
    guarded = GUARDS[guard]
    wall, cpu = time.perf_counter(), time.process_time()
    async with asyncio.TaskGroup() as group:
        tasks = [
            group.create_task(caller(range(first, calls, callers), guarded))
            for first in range(callers)
        ]
    seconds = time.perf_counter() - wall
    cpu_seconds = time.process_time() - cpu

    total = sum(task.result() for task in tasks)
    if total != (expected := calls * (calls - 1) // 2):
        raise Failure(f"the numbers sum to {total}, not to {expected}")
    phase = {"seconds": seconds, "cpu_seconds": cpu_seconds, "work": calls}
    return {
        "result": {"calls": calls, "sum": total},
        "phases": {"calls": phase},
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
        "--guard",
        choices=GUARDS,
        default="timeout",
        help="what stands around each call (default: %(default)s)",
    )
    parser.add_argument(
        "--calls",
        type=at_most(MOST_CALLS),
        default=20_000,
        metavar="N",
        help="how many in all (default: %(default)s)",
    )
    parser.add_argument(
        "--callers",
        type=at_most(MOST_CALLERS),
        default=1000,
        metavar="N",
        help="tasks that make them (default: %(default)s)",
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
                measured(options.guard, options.calls, options.callers)
            )
    except Failure as failure:
        sys.exit(str(failure))
    except KeyboardInterrupt:
        sys.exit(130)
    print(json.dumps(report))


if __name__ == "__main__":
    main()
