"""A list sorted in a coroutine: in place, or in a process of a pool?

Each request sorts a list of its own. Inline it calls sorted(); by the pool
the list is pickled, sent to a worker, sorted there, and comes back the same
way. A third way sends the worker only what it needs to make the list, and
only the middle of the sorted one comes back. The twin is main.rs.

    python examples/pickled-sort/main.py
    python examples/pickled-sort/main.py --how pool --numbers 1000000
    python examples/pickled-sort/main.py --how pool --in-flight 2

The CPU of the workers is read from Linux's clocks, so this needs Linux.
"""

import argparse
import asyncio
import json
import multiprocessing
import os
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager, nullcontext
from typing import Any

START, FACTOR, ADDEND, BITS = 1, 1_103_515_245, 12_345, 30


class Failure(Exception):
    """What was done is not what was asked for."""


# ANCHOR: shuffled
def shuffled(count: int) -> list[int]:
    """Numbers below 2**30 in no order; all differ, and are always these."""
    numbers = []
    number = START
    for _ in range(count):
        number = (number * FACTOR + ADDEND) % (1 << BITS)
        numbers.append(number)
    return numbers
# ANCHOR_END: shuffled


# ANCHOR: ways
async def inline(numbers: list[int]) -> int:
    in_order = sorted(numbers)
    return in_order[len(in_order) // 2]


async def pooled(pool: ProcessPoolExecutor, numbers: list[int]) -> int:
    loop = asyncio.get_running_loop()
    in_order = await loop.run_in_executor(pool, sorted, numbers)
    return in_order[len(in_order) // 2]
# ANCHOR_END: ways


# ANCHOR: made
def middle_of(count: int) -> int:
    in_order = sorted(shuffled(count))
    return in_order[count // 2]


async def inline_made(count: int) -> int:
    return middle_of(count)


async def pooled_made(pool: ProcessPoolExecutor, count: int) -> int:
    loop = asyncio.get_running_loop()
    return await loop.run_in_executor(pool, middle_of, count)
# ANCHOR_END: made


# ANCHOR: pool
@contextmanager
def started_pool(workers: int) -> Iterator[ProcessPoolExecutor]:
    """A pool whose workers are all there already."""
    context = multiprocessing.get_context("forkserver")
    gate = context.Barrier(workers)
    with ProcessPoolExecutor(workers, context, initializer=gate.wait) as pool:
        for ready in [pool.submit(middle_of, 1) for _ in range(workers)]:
            ready.result()
        yield pool
# ANCHOR_END: pool


def cpu_seconds() -> float:
    """CPU of this process and of the pool's workers."""
    workers = [child.pid for child in multiprocessing.active_children()]
    # The numbers that Linux gives to the CPU clocks of other processes, as
    # clock_getcpuclockid(3) has them.
    clocks = [~pid << 3 | 2 for pid in (os.getpid(), *workers) if pid]
    return sum(time.clock_gettime(clock) for clock in clocks)


async def request(
    how: str, pool: ProcessPoolExecutor | None, numbers: list[int]
) -> int:
    if pool is None:
        if how == "inline":
            return await inline(numbers)
        return await inline_made(len(numbers))
    if how == "pool":
        return await pooled(pool, numbers)
    return await pooled_made(pool, len(numbers))


async def measured(
    options: argparse.Namespace, pool: ProcessPoolExecutor | None
) -> dict[str, Any]:
    numbers = shuffled(options.numbers)
    share = max(1, options.total // options.numbers // options.in_flight)

    async def client() -> set[int]:
        """Makes its share of the requests, one after another."""
        return {
            await request(options.how, pool, numbers) for _ in range(share)
        }

    cpu, wall = cpu_seconds(), time.perf_counter()
    clients = (client() for _ in range(options.in_flight))
    answers = await asyncio.gather(*clients)
    seconds = time.perf_counter() - wall
    phase = {
        "seconds": seconds,
        "cpu_seconds": cpu_seconds() - cpu,
        "work": share * options.in_flight,
    }
    [middle, *others] = set().union(*answers)
    # All numbers differ, so half of them are smaller than the middle.
    smaller = sum(number < middle for number in numbers)
    if others or smaller != options.numbers // 2:
        raise Failure(f"not the middle of the list: {[middle, *others]}")
    result = {"numbers": options.numbers, "middle": middle}
    return {"result": result, "phases": {"requests": phase}}


def whole(most: int, text: str) -> int:
    digits = text.isascii() and text.isdigit()
    if not digits or not 1 <= int(text) <= most:
        raise argparse.ArgumentTypeError(
            f"{text!r} is not a whole number from 1 to {most}"
        )
    return int(text)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--how",
        choices=("inline", "pool", "inline-made", "pool-made"),
        default="inline",
        help="where a list is sorted, or made and sorted "
        "(default: %(default)s)",
    )
    for name, default, most, what in (
        ("numbers", 10_000, 10_000_000, "the length of a list"),
        ("total", 100_000, 1_000_000_000, "numbers sorted in all requests"),
        ("in-flight", 1, 64, "requests at a time"),
        ("workers", 2, 64, "processes of the pool"),
    ):
        parser.add_argument(
            f"--{name}",
            type=lambda text, most=most: whole(most, text),
            default=default,
            metavar="N",
            help=f"{what} (default: %(default)s)",
        )
    options = parser.parse_args()
    pooling = options.how.startswith("pool")
    try:
        with started_pool(options.workers) if pooling else nullcontext() as p:
            report = asyncio.run(measured(options, p))
    except (Failure, OSError) as error:
        # An OSError: the clocks of other processes are Linux's.
        sys.exit(str(error))
    except KeyboardInterrupt:
        sys.exit(130)
    print(json.dumps(report))


if __name__ == "__main__":
    main()
