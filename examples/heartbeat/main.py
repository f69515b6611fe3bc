"""A heartbeat beside calls that are async by name only: how late is it?

A method is called again and again, with a pause around each call. It does
blocking work: it computes (phase `compute`) or waits in a blocking call
(phase `wait`). It does so where it is called (--how pretend), in a thread
(thread), or in another process (process). Beside it runs a heartbeat that
is due every --period milliseconds and notes how late it comes. The twin is
main.rs.

    python examples/heartbeat/main.py
    python examples/heartbeat/main.py --how thread
"""

import argparse
import asyncio
import json
import sys
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from typing import Any


# ANCHOR: jobs
def embed(text: str, layers: int) -> int:
    """Puts a text through a toy of a model; of its vector, the sum."""
    vector = list(text.encode())
    for _ in range(layers):
        last = vector[-1]
        for place, value in enumerate(vector):
            last = (last * 31 + value) % 65_521
            vector[place] = last
    return sum(vector)


def ask(text: str, seconds: float) -> int:
    """Waits for a model elsewhere, as a blocking client would."""
    time.sleep(seconds)
    return len(text)
# ANCHOR_END: jobs


Job = Callable[[], int]


# ANCHOR: pretend
async def pretend(job: Job) -> int:
    return job()
# ANCHOR_END: pretend


# ANCHOR: thread
async def in_thread(job: Job) -> int:
    return await asyncio.to_thread(job)
# ANCHOR_END: thread


# ANCHOR: process
async def in_process(pool: ProcessPoolExecutor, job: Job) -> int:
    loop = asyncio.get_running_loop()
    return await loop.run_in_executor(pool, job)
# ANCHOR_END: process


# ANCHOR: heartbeat
async def heartbeat(period: float, over: asyncio.Event) -> list[int]:
    """How late each beat came, in microseconds."""
    start = time.perf_counter()
    lags: list[int] = []
    while not over.is_set():
        due = start + (len(lags) + 1) * period
        await asyncio.sleep(due - time.perf_counter())
        lags.append(max(1, round((time.perf_counter() - due) * 1e6)))
    return lags
# ANCHOR_END: heartbeat


# ANCHOR: beside
async def beside(
    call: Callable[[Job], Awaitable[int]],
    job: Job,
    calls: int,
    pause: float,
    period: float,
) -> tuple[list[int], list[int]]:
    over = asyncio.Event()
    heart = asyncio.create_task(heartbeat(period, over))
    answers = []
    for _ in range(calls):
        await asyncio.sleep(pause)
        answers.append(await call(job))
    await asyncio.sleep(pause)
    over.set()
    return answers, await heart
# ANCHOR_END: beside


async def measured(options: argparse.Namespace) -> dict[str, Any]:
    if options.how == "process":
        with ProcessPoolExecutor(max_workers=1) as pool:
            # The process starts with its first job, before the clock does.
            await cpu_time(pool)
            return await phases(options, partial(in_process, pool), pool)
    call = in_thread if options.how == "thread" else pretend
    return await phases(options, call, None)


async def phases(
    options: argparse.Namespace,
    call: Callable[[Job], Awaitable[int]],
    pool: ProcessPoolExecutor | None,
) -> dict[str, Any]:
    text = "never trust a keyword"
    done: dict[str, Any] = {"result": {}, "phases": {}}
    for name, job, work in (
        ("compute", partial(embed, text, options.layers), options.layers),
        ("wait", partial(ask, text, options.wait / 1000), 1),
    ):
        wall, cpu = time.perf_counter(), await cpu_time(pool)
        answers, lags = await beside(
            call,
            job,
            options.calls,
            options.pause / 1000,
            options.period / 1000,
        )
        done["phases"][name] = {
            "seconds": time.perf_counter() - wall,
            "cpu_seconds": await cpu_time(pool) - cpu,
            "work": options.calls * work,
            "latencies_us": lags,
        }
        done["result"][name] = answers
    return done


async def cpu_time(pool: ProcessPoolExecutor | None) -> float:
    """User and system time so far, with that of the pool's one process."""
    own = time.process_time()
    if pool is None:
        return own
    loop = asyncio.get_running_loop()
    return own + await loop.run_in_executor(pool, time.process_time)


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
        choices=("pretend", "thread", "process"),
        default="pretend",
        help="where the method does its work (default: %(default)s)",
    )
    for name, default, most, what in (
        ("calls", 2, 1000, "calls in each phase"),
        ("layers", 10_000, 1_000_000_000, "layers that a call computes"),
        ("wait", 60, 60_000, "milliseconds that a call waits"),
        ("pause", 40, 60_000, "milliseconds before and after a call"),
        ("period", 10, 60_000, "milliseconds from one beat to the next"),
    ):
        parser.add_argument(
            f"--{name}",
            type=within(1, most),
            default=default,
            metavar="N",
            help=f"{what} (default: %(default)s)",
        )
    try:
        report = asyncio.run(measured(parser.parse_args()))
    except KeyboardInterrupt:
        sys.exit(130)
    print(json.dumps(report))


if __name__ == "__main__":
    main()
