"""What a task costs: many that do nothing but return their number.

The same coroutine function is run as tasks that are made and then awaited
(`task`), as tasks that run while they are being made (`eager`, needs
Python 3.12), as the tasks of a TaskGroup (`group`), and as no task at all,
awaited in place (`await`). All that they return is summed. The twin is
main.rs.

    python examples/spawn-tasks/main.py
    python examples/spawn-tasks/main.py --how eager --tasks 1000000
    python examples/spawn-tasks/main.py --how task --loop uvloop

The tasks come in batches, each of which has ended before the next one is
made: so memory, and the garbage collector that walks it, are not the
subject. The collector itself is left as it is, as in most programs.
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
MOST_TASKS = 1_000_000_000
# And what a batch could take of the memory.
MOST_IN_A_BATCH = 1_000_000


class Failure(Exception):
    """What was done is not what was asked for."""


# ANCHOR: number
async def number(index: int) -> int:
    return index
# ANCHOR_END: number


# ANCHOR: awaited
async def awaited(indexes: range) -> int:
    total = 0
    for index in indexes:
        total += await number(index)
    return total
# ANCHOR_END: awaited


# ANCHOR: spawned
async def spawned(indexes: range) -> int:
    tasks = [asyncio.create_task(number(index)) for index in indexes]
    total = 0
    for task in tasks:
        total += await task
    return total
# ANCHOR_END: spawned


# ANCHOR: grouped
async def grouped(indexes: range) -> int:
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(number(index)) for index in indexes]
    return sum(task.result() for task in tasks)
# ANCHOR_END: grouped


How = Callable[[range], Awaitable[int]]

# `eager` is the same code as `task`: what differs is the loop's factory.
HOW: dict[str, How] = {
    "await": awaited,
    "task": spawned,
    "eager": spawned,
    "group": grouped,
}


async def run(how: str, count: int, batch: int) -> dict[str, Any]:
    if how == "eager":
        # ANCHOR: eager
        loop = asyncio.get_running_loop()
        loop.set_task_factory(asyncio.eager_task_factory)
        # ANCHOR_END: eager
    sum_of = HOW[how]
    total = 0
    wall, cpu = time.perf_counter(), time.process_time()
    for first in range(0, count, batch):
        total += await sum_of(range(first, min(first + batch, count)))
    seconds = time.perf_counter() - wall
    cpu_seconds = time.process_time() - cpu

    if total != (expected := count * (count - 1) // 2):
        raise Failure(f"the numbers sum to {total}, not to {expected}")
    phase = {"seconds": seconds, "cpu_seconds": cpu_seconds, "work": count}
    return {
        "result": {"tasks": count, "sum": total},
        "phases": {"tasks": phase},
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
        default="task",
        help="how each number is asked for (default: %(default)s)",
    )
    parser.add_argument(
        "--tasks",
        type=at_most(MOST_TASKS),
        default=20_000,
        metavar="N",
        help="how many in all (default: %(default)s)",
    )
    parser.add_argument(
        "--batch",
        type=at_most(MOST_IN_A_BATCH),
        default=1000,
        metavar="N",
        help="how many at once (default: %(default)s)",
    )
    parser.add_argument(
        "--loop",
        choices=("asyncio", "uvloop"),
        default="asyncio",
        help="the event loop (default: %(default)s)",
    )
    options = parser.parse_args()
    if options.how == "eager" and sys.version_info < (3, 12):
        parser.error("--how eager needs Python 3.12 or newer")
    factory = loop_factory(options.loop)
    try:
        with asyncio.Runner(loop_factory=factory) as runner:
            report = runner.run(
                run(options.how, options.tasks, options.batch)
            )
    except Failure as error:
        sys.exit(str(error))
    print(json.dumps(report))


if __name__ == "__main__":
    main()
