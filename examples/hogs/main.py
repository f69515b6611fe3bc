"""A timer beside tasks that compute: how late does it get its turn?

A heartbeat is due every --period milliseconds and notes how late it comes.
Beside it, several hogs compute in slices of --slice milliseconds. Between two
slices each lets others run, in one of two ways: by a bare yield, or by
waiting for its turn in a ring, in which each tells the next. The twin is
main.rs; threads.py and threads.rs do the same with threads.

    python examples/hogs/main.py
    python examples/hogs/main.py --how ring --hogs 8
"""

import argparse
import asyncio
import json
import sys
import time
from asyncio import Queue
from typing import Any


# ANCHOR: slice
def compute(seconds: float) -> int:
    """Keeps the thread busy for that long."""
    end = time.perf_counter() + seconds
    steps = 0
    while time.perf_counter() < end:
        steps += 1
    return steps
# ANCHOR_END: slice


# ANCHOR: heartbeat
async def heartbeat(beats: int, period: float) -> list[int]:
    """How late each beat came, in microseconds."""
    start = time.perf_counter()
    lags = []
    for beat in range(1, beats + 1):
        due = start + beat * period
        await asyncio.sleep(due - time.perf_counter())
        lags.append(max(0, round((time.perf_counter() - due) * 1e6)))
    return lags
# ANCHOR_END: heartbeat


# ANCHOR: yielding
async def yielding(slice: float) -> None:
    while True:
        compute(slice)
        await asyncio.sleep(0)
# ANCHOR_END: yielding


# ANCHOR: ring
async def in_ring(slice: float, turn: Queue[None], next: Queue[None]) -> None:
    while True:
        await turn.get()
        compute(slice)
        next.put_nowait(None)
# ANCHOR_END: ring


def spawn(
    group: list[asyncio.Task[None]], how: str, hogs: int, slice: float
) -> None:
    if how == "yield":
        for _ in range(hogs):
            group.append(asyncio.create_task(yielding(slice)))
    elif how == "ring":
        turns: list[Queue[None]] = [Queue() for _ in range(hogs)]
        for place, turn in enumerate(turns):
            following = turns[(place + 1) % hogs]
            hog = in_ring(slice, turn, following)
            group.append(asyncio.create_task(hog))
        turns[0].put_nowait(None)


async def measured(options: argparse.Namespace) -> dict[str, Any]:
    hogs: list[asyncio.Task[None]] = []
    wall, cpu = time.perf_counter(), time.process_time()
    spawn(hogs, options.how, options.hogs, options.slice / 1000)
    lags = await heartbeat(options.beats, options.period / 1000)
    phase = {
        "seconds": time.perf_counter() - wall,
        "cpu_seconds": time.process_time() - cpu,
        "work": options.beats,
        "latencies_us": lags,
    }
    for hog in hogs:
        hog.cancel()
    await asyncio.gather(*hogs, return_exceptions=True)
    return {"result": {"beats": len(lags)}, "phases": {"beat": phase}}


def milliseconds(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0.001 <= value <= 10_000:
        raise argparse.ArgumentTypeError(
            f"{text!r} is not a number of milliseconds from 0.001 to 10000"
        )
    return value


def whole(text: str) -> int:
    digits = text.isascii() and text.isdigit()
    if not digits or not 1 <= int(text) <= 10_000:
        raise argparse.ArgumentTypeError(
            f"{text!r} is not a whole number from 1 to 10000"
        )
    return int(text)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--how",
        choices=("yield", "ring", "alone"),
        default="yield",
        help="how hogs let others run, or none at all (default: %(default)s)",
    )
    for name, default, what in (
        ("hogs", 4, "tasks that compute"),
        ("slice", 2, "milliseconds that each computes at a time"),
        ("beats", 50, "beats of the heart"),
    ):
        parser.add_argument(
            f"--{name}",
            type=whole,
            default=default,
            metavar="N",
            help=f"{what} (default: %(default)s)",
        )
    parser.add_argument(
        "--period",
        type=milliseconds,
        default=10.0,
        metavar="MS",
        help="from one beat to the next (default: %(default)s)",
    )
    try:
        report = asyncio.run(measured(parser.parse_args()))
    except KeyboardInterrupt:
        sys.exit(130)
    print(json.dumps(report))


if __name__ == "__main__":
    main()
