"""A buffer across an await: does the task go on holding it?

Every task fills a buffer, keeps its last byte, and then waits at a gate. When
all of them wait the program reads its memory, then opens the gate and sums
the bytes. The twin is main.rs.

    python examples/held-buffer/main.py
    python examples/held-buffer/main.py --how deleted --buffer 16384

`unused` still has a name for the buffer while it waits, though nobody reads
it again; `deleted` takes the name away before it waits. How far the buffer
is handed down by calls makes no difference here: what is handed on is a
reference.

The memory is read from /proc, so this needs Linux.
"""

import argparse
import asyncio
import json
import sys
import time
from typing import Any

SIZES = (1024, 4096, 16384)


class Failure(Exception):
    """What was done is not what was asked for."""


class Gate:
    """Where tasks wait until all have come."""

    def __init__(self, expected: int) -> None:
        self.missing = expected
        self.all_here = asyncio.Event()
        self._open = asyncio.Event()

    async def wait(self) -> None:
        self.missing -= 1
        if self.missing == 0:
            self.all_here.set()
        await self._open.wait()

    def open(self) -> None:
        self._open.set()


# ANCHOR: filled
def filled(index: int, size: int) -> bytearray:
    return bytearray([index % 251]) * size
# ANCHOR_END: filled


# ANCHOR: unused
async def unused(index: int, size: int, gate: Gate) -> int:
    buffer = filled(index, size)
    last = buffer[-1]
    await gate.wait()  # the frame still has the name `buffer`
    return last
# ANCHOR_END: unused


# ANCHOR: freed
async def deleted(index: int, size: int, gate: Gate) -> int:
    buffer = filled(index, size)
    last = buffer[-1]
    del buffer
    await gate.wait()
    return last
# ANCHOR_END: freed


HOWS = {"unused": unused, "deleted": deleted}


def memory_bytes() -> int:
    """What is resident now."""
    with open("/proc/self/status", encoding="ascii") as status:
        for line in status:
            match line.split():
                case ["VmRSS:", kibibytes, "kB"]:
                    return int(kibibytes) * 1024
    raise Failure("/proc/self/status has no VmRSS in kB")


async def run(how: str, tasks: int, size: int) -> dict[str, Any]:
    waiter = HOWS[how]
    gate = Gate(tasks)
    wall, cpu = time.perf_counter(), time.process_time()
    async with asyncio.TaskGroup() as group:
        waiting = [
            group.create_task(waiter(index, size, gate))
            for index in range(tasks)
        ]
        await gate.all_here.wait()
        phase = {
            "seconds": time.perf_counter() - wall,
            "cpu_seconds": time.process_time() - cpu,
            "work": tasks,
            "memory_bytes": memory_bytes(),
        }
        gate.open()
    total = sum(task.result() for task in waiting)
    expected = sum(index % 251 for index in range(tasks))
    if total != expected:
        raise Failure(f"the bytes sum to {total}, not to {expected}")
    return {
        "result": {"tasks": tasks, "buffer": size, "sum": total},
        "phases": {"wait": phase},
    }


def task_count(text: str) -> int:
    digits = text.isascii() and text.isdigit()
    if not digits or not 1 <= int(text) <= 100_000:
        raise argparse.ArgumentTypeError(
            f"{text!r} is not a whole number from 1 to 100000"
        )
    return int(text)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--how",
        choices=tuple(HOWS),
        default="unused",
        help="what becomes of the buffer (default: %(default)s)",
    )
    parser.add_argument(
        "--tasks",
        type=task_count,
        default=1000,
        metavar="N",
        help="how many tasks wait at once (default: %(default)s)",
    )
    parser.add_argument(
        "--buffer",
        type=int,
        choices=SIZES,
        default=4096,
        help="bytes in each buffer (default: %(default)s)",
    )
    options = parser.parse_args()
    try:
        report = asyncio.run(run(options.how, options.tasks, options.buffer))
    except* (Failure, OSError) as group:
        # An OSError: /proc is Linux's.
        sys.exit("; ".join(str(error) for error in group.exceptions))
    print(json.dumps(report))


if __name__ == "__main__":
    main()
