"""One of many fails: what becomes of the others, and what waiting costs.

Two phases. In the first, batches of tasks succeed: each lets the others go
first, once, and returns its number. In the second, a thousand tasks wait for
different times, and one of them fails before any other has ended. The same
ways of waiting for them serve both: gather, gather with errors as values,
and TaskGroup. The twin is main.rs.

    python examples/one-fails/main.py
    python examples/one-fails/main.py --how gather --loop uvloop

The one that fails is the last in the list, or with --first the first, and
fails after --pause milliseconds. The waits of the others are spread evenly
from 3 to 10 such pauses. Counted are those that finish their work all the
same, and those that are still there when the caller has the error in hand. A
pause so short that the tasks cannot all be made in twice that time may
change the counts.
"""

import argparse
import asyncio
import json
import sys
import time
from asyncio import AbstractEventLoop
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import Any

# Bounds what a slip of the finger could take of the time and the memory.
MOST_TASKS = 10_000_000
MOST_IN_A_BATCH = 100_000

Job = Coroutine[Any, Any, int]


class Failure(Exception):
    """What was done is not what was asked for."""


class Outage(Exception):
    """How one of the jobs fails."""


class Moment:
    """Now, on the wall and in this process's CPU time."""

    def __init__(self) -> None:
        self.wall = time.perf_counter()
        self.cpu = time.process_time()

    def phase_since(self, earlier: "Moment", work: int) -> dict[str, Any]:
        return {
            "seconds": self.wall - earlier.wall,
            "cpu_seconds": self.cpu - earlier.cpu,
            "work": work,
        }


class Log:
    """What the jobs have done, and how many are still there."""

    def __init__(self, jobs: int, pause: float, first: bool) -> None:
        self.last = jobs - 1
        self.fails = 0 if first else self.last
        self.pause = pause
        self.there = jobs
        self.finished = 0
        self.failed: Moment | None = None
        self.gone: Moment | None = None
        self.all_gone = asyncio.Event()

    def wait(self, index: int) -> float:
        if index == self.fails:
            return self.pause
        return self.pause * (3 + 7 * index / self.last)

    @contextmanager
    def present(self) -> Iterator[None]:
        try:
            yield
        finally:
            self.there -= 1
            if self.there == 0:
                self.gone = Moment()
                self.all_gone.set()


# ANCHOR: job
async def job(index: int, log: Log) -> int:
    with log.present():  # until it ends, in whatever way
        await asyncio.sleep(log.wait(index))
        if index == log.fails:
            log.failed = Moment()
            raise Outage(f"job {index} failed")
        log.finished += 1  # its work: the mail is sent, the order placed
        return index
# ANCHOR_END: job


# ANCHOR: gather
async def gather(jobs: list[Job]) -> list[int]:
    return await asyncio.gather(*jobs)
# ANCHOR_END: gather


# ANCHOR: values
async def values(jobs: list[Job]) -> list[int]:
    results = await asyncio.gather(*jobs, return_exceptions=True)
    numbers: list[int] = []
    for result in results:
        if isinstance(result, BaseException):
            raise result
        numbers.append(result)
    return numbers
# ANCHOR_END: values


# ANCHOR: group
async def in_group(jobs: list[Job]) -> list[int]:
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(job) for job in jobs]
    # Here all have ended, and well: else the block would have raised.
    return [task.result() for task in tasks]
# ANCHOR_END: group


How = Callable[[list[Job]], Awaitable[list[int]]]

HOW: dict[str, How] = {"gather": gather, "values": values, "group": in_group}


async def number(index: int) -> int:
    await asyncio.sleep(0)
    return index


async def all_succeed(how: How, count: int, batch: int) -> dict[str, Any]:
    total = 0
    start = Moment()
    for first in range(0, count, batch):
        indexes = range(first, min(first + batch, count))
        total += sum(await how([number(index) for index in indexes]))
    phase = Moment().phase_since(start, count)

    if total != (expected := count * (count - 1) // 2):
        raise Failure(f"the numbers sum to {total}, not to {expected}")
    return phase


# ANCHOR: one_fails
async def one_fails(how: How, jobs: int, log: Log) -> dict[str, Any]:
    try:
        await how([job(index, log) for index in range(jobs)])
    except* Outage:
        caught, running = Moment(), log.there
    else:
        raise Failure("nobody told the caller that a job had failed")
    await log.all_gone.wait()
# ANCHOR_END: one_fails
    if log.failed is None or log.gone is None:
        raise Failure("the caller had an error, but no job has failed")
    told = caught.phase_since(log.failed, 1)
    told["counts"] = {"running": running}
    ended = log.gone.phase_since(log.failed, jobs - 1)
    ended["counts"] = {"finished": log.finished}
    return {"told": told, "ended": ended}


async def run(options: argparse.Namespace) -> dict[str, Any]:
    how = HOW[options.how]
    joined = await all_succeed(how, options.tasks, options.jobs)
    log = Log(options.jobs, options.pause / 1000, options.first)
    failed = await one_fails(how, options.jobs, log)
    return {
        "result": {"jobs": options.jobs, "failed": 1},
        "phases": {"joined": joined, **failed},
    }


def loop_factory(name: str) -> Callable[[], AbstractEventLoop] | None:
    if name == "asyncio":
        return None
    try:
        import uvloop
    except ImportError as error:
        sys.exit(f"--loop uvloop: {error} (see requirements.txt)")
    return uvloop.new_event_loop


def between(least: int, most: int) -> Callable[[str], int]:
    def count(text: str) -> int:
        digits = text.isascii() and text.isdigit()
        if not digits or not least <= int(text) <= most:
            raise argparse.ArgumentTypeError(
                f"{text!r} is not a whole number from {least} to {most}"
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
        default="group",
        help="how the tasks are waited for (default: %(default)s)",
    )
    parser.add_argument(
        "--tasks",
        type=between(1, MOST_TASKS),
        default=20_000,
        metavar="N",
        help="how many succeed, in all (default: %(default)s)",
    )
    parser.add_argument(
        "--jobs",
        type=between(2, MOST_IN_A_BATCH),
        default=1000,
        metavar="N",
        help="how many at once, and how many of which one fails "
        "(default: %(default)s)",
    )
    parser.add_argument(
        "--pause",
        type=between(1, 10_000),
        default=50,
        metavar="MS",
        help="milliseconds until one fails (default: %(default)s)",
    )
    parser.add_argument(
        "--first",
        action="store_true",
        help="the first in the list fails, instead of the last",
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
            report = runner.run(run(options))
    except Failure as error:
        sys.exit(str(error))
    print(json.dumps(report))


if __name__ == "__main__":
    main()
