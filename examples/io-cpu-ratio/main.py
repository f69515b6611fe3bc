"""Jobs that compute, wait and compute again: what does overlapping gain?

A job spends half of its computing, waits --ratio times as long as all of
its computing takes, and spends the other half. How long computing takes is
found first, on this machine, in a phase of its own. The jobs are then done
one by one, on threads, or as tasks (--how). The wait is a sleep and costs
next to nothing: no overlap gains more than 1 + ratio over one by one. The
twin is main.rs.

    python examples/io-cpu-ratio/main.py
    python examples/io-cpu-ratio/main.py --how threads --workers 10
"""

import argparse
import asyncio
import json
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from threading import Thread
from typing import Any

# Computations that are timed before the jobs begin.
ALONE = 50


# ANCHOR: job
@dataclass(frozen=True)
class Size:
    steps: int  # of each half of the computing
    wait: float  # seconds


def compute(value: int, steps: int) -> int:
    for step in range(steps):
        value = (value * 31 + step) % 65_521
    return value


def job(size: Size, number: int) -> int:
    question = compute(number, size.steps)
    time.sleep(size.wait)
    return compute(question, size.steps)


async def job_async(size: Size, number: int) -> int:
    question = compute(number, size.steps)
    await asyncio.sleep(size.wait)
    return compute(question, size.steps)
# ANCHOR_END: job


# ANCHOR: ways
def one_by_one(size: Size, jobs: int) -> int:
    return sum(job(size, number) for number in range(jobs))


def on_threads(size: Size, jobs: int, workers: int) -> int:
    sums: list[int] = []

    def share(first: int) -> None:
        numbers = range(first, jobs, workers)
        sums.append(sum(job(size, number) for number in numbers))

    # Not a pool: it starts no thread for a job while another is idle.
    threads = [
        Thread(target=share, args=(first,)) for first in range(workers)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(sums)


async def as_tasks(size: Size, jobs: int) -> int:
    async with asyncio.TaskGroup() as group:
        tasks = [
            group.create_task(job_async(size, number))
            for number in range(jobs)
        ]
    return sum(task.result() for task in tasks)
# ANCHOR_END: ways


class Phase:
    """Measures from its construction until it is reported."""

    def __init__(self) -> None:
        self._wall = time.perf_counter()
        self._cpu = time.process_time()

    def report(self, work: int) -> dict[str, Any]:
        return {
            "seconds": time.perf_counter() - self._wall,
            "cpu_seconds": time.process_time() - self._cpu,
            "work": work,
        }


# ANCHOR: alone
def computing_alone(steps: int) -> dict[str, Any]:
    """What the computing of a job takes where nothing is beside it."""
    compute(0, steps)  # the interpreter specialises what it has run before
    alone = Phase()
    for number in range(ALONE):
        compute(compute(number, steps), steps)
    return alone.report(ALONE)
# ANCHOR_END: alone


def measured(options: argparse.Namespace) -> dict[str, Any]:
    steps, jobs = options.steps // 2, options.jobs
    alone = computing_alone(steps)
    size = Size(steps, options.ratio * alone["seconds"] / ALONE)

    do: Callable[[], int]
    if options.how == "tasks":
        with asyncio.Runner() as runner:
            runner.get_loop()
            phase = Phase()
            total = runner.run(as_tasks(size, jobs))
            report = phase.report(jobs)
    else:
        if options.how == "threads":
            workers = options.workers or jobs
            do = partial(on_threads, size, jobs, workers)
        else:
            do = partial(one_by_one, size, jobs)
        phase = Phase()
        total = do()
        report = phase.report(jobs)
    return {
        "result": {"jobs": jobs, "sum": total},
        "phases": {"alone": alone, "jobs": report},
    }


def within(low: int, high: int) -> Callable[[str], int]:
    def whole(text: str) -> int:
        digits = text.isascii() and text.isdigit()
        if not digits or not low <= int(text) <= high:
            raise argparse.ArgumentTypeError(
                f"{text!r} is not a whole number from {low} to {high}"
            )
        return int(text)

    return whole


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--how",
        choices=("one-by-one", "threads", "tasks"),
        default="tasks",
        help="how the jobs are done (default: %(default)s)",
    )
    for name, default, most, what in (
        ("jobs", 100, 10_000, "jobs"),
        ("steps", 10_000, 1_000_000_000, "steps that a job computes"),
        ("ratio", 10, 10_000, "how many times as long as that a job waits"),
    ):
        parser.add_argument(
            f"--{name}",
            type=within(1, most),
            default=default,
            metavar="N",
            help=f"{what} (default: %(default)s)",
        )
    parser.add_argument(
        "--workers",
        type=within(1, 10_000),
        metavar="N",
        help="threads of --how threads (default: one for each job)",
    )
    try:
        report = measured(parser.parse_args())
    except KeyboardInterrupt:
        sys.exit(130)
    print(json.dumps(report))


if __name__ == "__main__":
    main()
