"""A relay of asyncio tasks under several instruments: what does looking cost?

Runners stand in a ring, each a task with a queue of its own; a baton goes
round, and each runner adds its number to what the baton says. In the phase
`bare` that is all a runner does; in `busy` it also computes for a while
before it passes the baton on. The same is run plain, and under one
instrument at a time (--under):

    debug       asyncio's debug mode
    named       a task factory that counts the tasks by their coroutine
    sampler     a task that looks at all tasks and their stacks at times
    watchdog    a thread that watches a heartbeat, and looks if it stops
    counted     sys.monitoring, which counts how often a coroutine resumes
    profile     cProfile
    log-off     a line of logging per pass, below the level let through
    log         the same line, formatted and written to nowhere

The twin is main.rs.

    python examples/watched-tasks/main.py
    python examples/watched-tasks/main.py --under debug --laps 50
"""

import argparse
import asyncio
import cProfile
import io
import json
import logging
import sys
import threading
import time
from asyncio import Queue, Task
from collections.abc import Callable, Coroutine, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

INSTRUMENTS = (
    "plain",
    "debug",
    "named",
    "sampler",
    "watchdog",
    "counted",
    "profile",
    "log-off",
    "log",
)
LOG = logging.getLogger("relay")

Runner = Callable[
    [int, Queue[int], Queue[int], int, int], Coroutine[Any, Any, None]
]


class Failure(Exception):
    """What was done is not what was asked for."""


# ANCHOR: relay
def ponder(value: int, steps: int) -> int:
    for _ in range(steps):
        value = (value * 31 + 7) % 65_521
    return value


async def run(
    number: int,
    mine: Queue[int],
    following: Queue[int],
    laps: int,
    steps: int,
) -> None:
    for _ in range(laps):
        baton = await mine.get()
        baton = ponder((baton + number) % 65_521, steps)
        await following.put(baton)


async def relay(
    runner: Runner, runners: int, laps: int, steps: int
) -> int:
    """What the baton says after so many laps."""
    queues: list[Queue[int]] = [Queue(maxsize=1) for _ in range(runners)]
    async with asyncio.TaskGroup() as group:
        for number, mine in enumerate(queues):
            following = queues[(number + 1) % runners]
            coroutine = runner(number, mine, following, laps, steps)
            group.create_task(coroutine)
        queues[0].put_nowait(0)
    return queues[0].get_nowait()
# ANCHOR_END: relay


# ANCHOR: logged
async def run_and_log(
    number: int,
    mine: Queue[int],
    following: Queue[int],
    laps: int,
    steps: int,
) -> None:
    for lap in range(laps):
        baton = await mine.get()
        baton = ponder((baton + number) % 65_521, steps)
        LOG.debug("runner %d lap %d passes %d", number, lap, baton)
        await following.put(baton)
# ANCHOR_END: logged


# ANCHOR: named
@contextmanager
def named(seen: dict[str, int]) -> Iterator[None]:
    """Counts tasks under the name of their coroutine."""
    loop = asyncio.get_running_loop()

    def factory(
        loop: asyncio.AbstractEventLoop,
        coroutine: Coroutine[Any, Any, Any],
        **options: Any,
    ) -> Task[Any]:
        name = coroutine.__qualname__
        seen[name] = seen.get(name, 0) + 1
        return Task(coroutine, loop=loop, **options)

    loop.set_task_factory(factory)
    try:
        yield
    finally:
        loop.set_task_factory(None)
# ANCHOR_END: named


# ANCHOR: sampler
async def sample(seen: dict[str, int], period: float) -> None:
    """Where each task stands, once in each period."""
    while True:
        await asyncio.sleep(period)
        for task in asyncio.all_tasks():
            for frame in task.get_stack():
                place = f"{frame.f_code.co_qualname}:{frame.f_lineno}"
                seen[place] = seen.get(place, 0) + 1
# ANCHOR_END: sampler


@contextmanager
def sampler(seen: dict[str, int], period: float) -> Iterator[None]:
    task = asyncio.create_task(sample(seen, period))
    try:
        yield
    finally:
        task.cancel()


# ANCHOR: watchdog
@contextmanager
def watchdog(
    seen: dict[str, int], period: float, patience: float
) -> Iterator[None]:
    """Looks at the loop's thread when the loop has not turned for long."""
    loop = asyncio.get_running_loop()
    thread = threading.get_ident()
    beaten = time.monotonic()
    over = threading.Event()

    def beat() -> None:
        nonlocal beaten, timer
        beaten = time.monotonic()
        timer = loop.call_later(period, beat)

    def watch() -> None:
        while not over.wait(period):
            if time.monotonic() - beaten > patience:
                frame = sys._current_frames()[thread]
                place = f"{frame.f_code.co_qualname}:{frame.f_lineno}"
                seen[place] = seen.get(place, 0) + 1

    timer = loop.call_soon(beat)
    watcher = threading.Thread(target=watch, name="watchdog")
    watcher.start()
    try:
        yield
    finally:
        over.set()
        watcher.join()
        timer.cancel()
# ANCHOR_END: watchdog


# ANCHOR: counted
@contextmanager
def counted(seen: dict[str, int]) -> Iterator[None]:
    """Counts how often a coroutine of any kind goes on."""
    monitoring = sys.monitoring
    tool, event = monitoring.PROFILER_ID, monitoring.events.PY_RESUME
    seen["resumed"] = 0

    def resumed(code: Any, offset: int) -> None:
        seen["resumed"] += 1

    monitoring.use_tool_id(tool, "relay")
    monitoring.register_callback(tool, event, resumed)
    monitoring.set_events(tool, event)
    try:
        yield
    finally:
        monitoring.set_events(tool, 0)
        monitoring.free_tool_id(tool)
# ANCHOR_END: counted


class Nowhere(io.TextIOBase):
    """Where Rust's `io::sink` writes to: no file, no system call."""

    def write(self, text: str) -> int:
        return len(text)


@contextmanager
def logged(level: int) -> Iterator[None]:
    handler = logging.StreamHandler(Nowhere())
    form = "%(asctime)s %(levelname)s %(name)s %(message)s"
    handler.setFormatter(logging.Formatter(form))
    LOG.addHandler(handler)
    LOG.setLevel(level)
    LOG.propagate = False
    try:
        yield
    finally:
        LOG.removeHandler(handler)


def instrument(under: str, seen: dict[str, int], period: float) -> ExitStack:
    """Begins to look; ends when the block does."""
    stack = ExitStack()
    match under:
        case "named":
            stack.enter_context(named(seen))
        case "sampler":
            stack.enter_context(sampler(seen, period))
        case "watchdog":
            stack.enter_context(watchdog(seen, period, 10 * period))
        case "counted":
            stack.enter_context(counted(seen))
        case "profile":
            stack.enter_context(cProfile.Profile())
        case "log-off":
            stack.enter_context(logged(logging.INFO))
        case "log":
            stack.enter_context(logged(logging.DEBUG))
    return stack


async def phase(
    options: argparse.Namespace, laps: int, steps: int
) -> tuple[int, dict[str, Any]]:
    seen: dict[str, int] = {}
    runner = run_and_log if options.under.startswith("log") else run
    wall, cpu = time.perf_counter(), time.process_time()
    with instrument(options.under, seen, options.period / 1000):
        baton = await relay(runner, options.runners, laps, steps)
    report = {
        "seconds": time.perf_counter() - wall,
        "cpu_seconds": time.process_time() - cpu,
        "work": options.runners * laps,
    }
    check(options, seen)
    return baton, report


def check(options: argparse.Namespace, seen: dict[str, int]) -> None:
    """That the instrument did look."""
    if options.under == "named" and seen != {"run": options.runners}:
        raise Failure(f"the factory made other tasks: {seen}")
    if options.under == "counted" and seen["resumed"] == 0:
        raise Failure("sys.monitoring saw no coroutine go on")


async def measured(options: argparse.Namespace) -> dict[str, Any]:
    bare, bare_phase = await phase(options, options.laps, 0)
    busy, busy_phase = await phase(options, options.busy_laps, options.steps)
    return {
        "result": {"bare": bare, "busy": busy},
        "phases": {"bare": bare_phase, "busy": busy_phase},
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
        "--under",
        choices=INSTRUMENTS,
        default="plain",
        help="the instrument (default: %(default)s)",
    )
    for name, low, default, most, what in (
        ("runners", 2, 50, 10_000, "tasks in the ring"),
        ("laps", 1, 100, 10_000_000, "laps of the phase bare"),
        ("busy-laps", 1, 20, 10_000_000, "laps of the phase busy"),
        ("steps", 1, 500, 1_000_000_000, "steps of computing per pass"),
        ("period", 1, 10, 60_000, "milliseconds between two looks"),
    ):
        parser.add_argument(
            f"--{name}",
            type=within(low, most),
            default=default,
            metavar="N",
            help=f"{what} (default: %(default)s)",
        )
    options = parser.parse_args()
    if options.under == "counted" and not hasattr(sys, "monitoring"):
        parser.error("--under counted needs Python 3.12 or newer")
    try:
        debug = options.under == "debug"
        report = asyncio.run(measured(options), debug=debug)
    except Failure as error:
        sys.exit(str(error))
    except KeyboardInterrupt:
        sys.exit(130)
    print(json.dumps(report))


if __name__ == "__main__":
    main()
