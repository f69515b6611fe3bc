"""Many tasks waiting at once: what each costs to start, keep and end.

Every task answers the roll call, waits until it is told to go on, adds its
number to a sum and ends. When all have answered the program reads its
memory, then tells them, and waits until they have ended. threads.py does the
same with threads; main.rs and threads.rs are the twins.

    python examples/idle-waiters/main.py
    python examples/idle-waiters/main.py --waiters 100000

There is no row for uvloop: while they wait, and when they are told, these
tasks touch nothing of the loop but its queue of ready callbacks.

What the process has is read from /proc, so this needs Linux.
"""

import argparse
import asyncio
import json
import sys
import time
from asyncio import Event, Task
from typing import Any

# Bounds what a slip of the finger could take of the machine.
MOST_WAITERS = 1_000_000


class Failure(Exception):
    """What was done is not what was asked for."""


# ANCHOR: tally
class Tally:
    """Who has arrived, the word to go on, and the sum of the numbers."""

    def __init__(self, count: int) -> None:
        # No lock: between two awaits nobody else runs.
        self.missing = count
        self.sum = 0
        self.all_here = Event()
        self.go = Event()

    def answer(self) -> None:
        self.missing -= 1
        if self.missing == 0:
            self.all_here.set()

    def add(self, number: int) -> None:
        self.sum += number
# ANCHOR_END: tally


# ANCHOR: waiter
async def waiter(number: int, tally: Tally) -> None:
    tally.answer()
    await tally.go.wait()
    tally.add(number)
# ANCHOR_END: waiter


# ANCHOR: start
async def start(count: int, tally: Tally) -> list[Task[None]]:
    tasks = [
        asyncio.create_task(waiter(number, tally)) for number in range(count)
    ]
    # None of them has run yet: this lets them.
    await tally.all_here.wait()
    return tasks
# ANCHOR_END: start


# ANCHOR: end
async def end(tasks: list[Task[None]], tally: Tally) -> None:
    tally.go.set()
    for task in tasks:
        await task
    tasks.clear()
# ANCHOR_END: end


# ANCHOR: footprint
def kibibytes(path: str, *names: str) -> list[int]:
    """The values of these lines of a file in /proc, in bytes."""
    with open(path, encoding="ascii") as file:
        lines = dict(line.split(":", 1) for line in file)
    try:
        return [
            int(lines[name].removesuffix("kB\n")) * 1024 for name in names
        ]
    except (KeyError, ValueError) as error:
        raise Failure(f"{path} has no such line in kB: {error}") from None


def kernel_stacks() -> int:
    # Those of the whole machine: Linux has no count for each process.
    [stacks] = kibibytes("/proc/meminfo", "KernelStack")
    return stacks


def footprint(stacks_before: int) -> dict[str, Any]:
    """What the process has now: bytes, and the number of its mappings."""
    # VmRSS and not VmHWM, the peak, which never falls.
    resident, virtual, page_tables = kibibytes(
        "/proc/self/status", "VmRSS", "VmSize", "VmPTE"
    )
    with open("/proc/self/maps", "rb") as maps:
        mappings = sum(1 for _ in maps)
    return {
        "memory_bytes": resident,
        "counts": {
            "virtual_bytes": virtual,
            "page_table_bytes": page_tables,
            "kernel_stack_bytes": max(kernel_stacks() - stacks_before, 0),
            "mappings": mappings,
        },
    }
# ANCHOR_END: footprint


class Phase:
    """Measures from its construction until it is stopped."""

    def __init__(self) -> None:
        self._wall = time.perf_counter()
        self._cpu = time.process_time()

    def stop(self, work: int) -> dict[str, Any]:
        seconds = time.perf_counter() - self._wall
        cpu_seconds = time.process_time() - self._cpu
        return {"seconds": seconds, "cpu_seconds": cpu_seconds, "work": work}


async def run(count: int) -> dict[str, Any]:
    tally = Tally(count)

    stacks = kernel_stacks()
    starting = Phase()
    tasks = await start(count, tally)
    started = starting.stop(count) | footprint(stacks)

    ending = Phase()
    await end(tasks, tally)
    ended = ending.stop(count)

    if tally.sum != (expected := count * (count - 1) // 2):
        raise Failure(f"the numbers sum to {tally.sum}, not to {expected}")
    return {
        "result": {"waiters": count, "sum": tally.sum},
        "phases": {"start": started, "end": ended},
    }


def waiter_count(text: str) -> int:
    digits = text.isascii() and text.isdigit()
    if not digits or not 1 <= int(text) <= MOST_WAITERS:
        raise argparse.ArgumentTypeError(
            f"{text!r} is not a whole number from 1 to {MOST_WAITERS}"
        )
    return int(text)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--waiters",
        type=waiter_count,
        default=1000,
        metavar="N",
        help="how many tasks wait at once (default: %(default)s)",
    )
    options = parser.parse_args()
    try:
        report = asyncio.run(run(options.waiters))
    except (Failure, OSError) as error:
        # An OSError: /proc is Linux's.
        sys.exit(str(error))
    print(json.dumps(report))


if __name__ == "__main__":
    main()
