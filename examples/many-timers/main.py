"""Many timers at once: how late does each fire?

Beside many tasks that sleep for an hour, some timers fall due one after
another, spread evenly over --window milliseconds (`spread`), and then as many
at one and the same instant (`burst`). Each is a task that sleeps until it is
due and notes how late it is. Before that, as many tasks as
will fall due fall asleep for an hour and are cancelled, --repeats times
(`set`). The twin is main.rs.

    python examples/many-timers/main.py
    python examples/many-timers/main.py --timers 100000 --loop uvloop
"""

import argparse
import asyncio
import json
import sys
import time
from asyncio import AbstractEventLoop
from collections.abc import Callable
from typing import Any

# Bounds what a slip of the finger could take of the memory.
MOST_TIMERS = 1_000_000
MOST_REPEATS = 1000
# As many latencies as a report may hold.
MOST_DUE = 20_000
# In it the tasks of a phase fall asleep, before the first of them is due.
LEAD = 0.2
# At least; and so many times what as many of the others took for it.
LEADS = 5
# Where the machine was too busy for that, they get twice as long, and so on
# up to this.
LONGEST_LEAD = 10.0
# And so much later than that nobody may be.
LATEST = 30.0
HOUR = 3600.0


class Failure(Exception):
    """What was done is not what was asked for."""


# ANCHOR: timer
async def timer(due: float) -> float:
    """Sleeps until `due` and says how late it is; negative: too early."""
    await asyncio.sleep(due - time.monotonic())
    return time.monotonic() - due
# ANCHOR_END: timer


# ANCHOR: fire
async def fire(count: int, first: float, window: float) -> list[float]:
    """`count` timers, spread evenly over the window."""
    async with asyncio.TaskGroup() as group:
        timers = [
            group.create_task(timer(first + window * number / count))
            for number in range(count)
        ]
    return [timer.result() for timer in timers]
# ANCHOR_END: fire


async def sleepers(count: int) -> list[asyncio.Task[float]]:
    """That many tasks, each of which sleeps for an hour."""
    hour = time.monotonic() + HOUR
    tasks = [asyncio.create_task(timer(hour)) for _ in range(count)]
    await asyncio.sleep(0)  # from here on they sleep
    return tasks


async def end(tasks: list[asyncio.Task[float]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    if not all(task.cancelled() for task in tasks):
        raise Failure("a timer of an hour has fired")


async def set_and_cleared(count: int, repeats: int) -> dict[str, Any]:
    wall, cpu = time.perf_counter(), time.process_time()
    for _ in range(repeats):
        await end(await sleepers(count))
    return {
        "seconds": time.perf_counter() - wall,
        "cpu_seconds": time.process_time() - cpu,
        "work": count * repeats,
    }


async def measured(count: int, window: float, lead: float) -> dict[str, Any]:
    """A phase of its own for each call."""
    while True:
        first = time.monotonic() + lead
        firing = asyncio.create_task(fire(count, first, window))
        # Wakes when all have long been asleep. What they cost from then on is
        # measured, not what it cost to make them.
        await asyncio.sleep(lead * 3 / 4)
        wall, cpu = time.perf_counter(), time.process_time()
        if time.monotonic() < first:
            break
        firing.cancel()
        await asyncio.gather(firing, return_exceptions=True)
        lead *= 2
        if lead > LONGEST_LEAD:
            raise Failure(
                f"it took more than {LONGEST_LEAD:.0f} s to set {count} timers"
            )
    async with asyncio.timeout(window + LATEST):
        overshoots = await firing
    latencies = [max(1, round(overshoot * 1e6)) for overshoot in overshoots]
    return {
        "seconds": time.perf_counter() - wall,
        "cpu_seconds": time.process_time() - cpu,
        "work": count,
        "latencies_us": latencies,
        "counts": {
            "early": sum(overshoot < 0 for overshoot in overshoots),
            "first_us": min(latencies),
        },
    }


async def run(
    timers: int, due: int, window: float, repeats: int
) -> dict[str, Any]:
    cleared = await set_and_cleared(due, repeats)
    begun = time.monotonic()
    others = await sleepers(timers)
    each = (time.monotonic() - begun) / timers
    lead = max(LEAD, LEADS * due * each)
    spread = await measured(due, window, lead)
    burst = await measured(due, 0.0, lead)

    await end(others)
    return {
        "result": {"timers": timers, "due": due},
        "phases": {"set": cleared, "spread": spread, "burst": burst},
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
        "--timers",
        type=at_most(MOST_TIMERS),
        default=5000,
        metavar="N",
        help="how many sleep for an hour (default: %(default)s)",
    )
    parser.add_argument(
        "--due",
        type=at_most(MOST_DUE),
        default=250,
        metavar="N",
        help="how many fall due in each phase (default: %(default)s)",
    )
    parser.add_argument(
        "--window",
        type=at_most(10_000),
        default=200,
        metavar="MS",
        help="over which those of the first phase are spread "
        "(default: %(default)s)",
    )
    parser.add_argument(
        "--repeats",
        type=at_most(MOST_REPEATS),
        default=1,
        metavar="N",
        help="how often as many fall asleep and are cancelled, before that "
        "(default: %(default)s)",
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
                run(
                    options.timers,
                    options.due,
                    options.window / 1000,
                    options.repeats,
                )
            )
    except Failure as failure:
        sys.exit(str(failure))
    except KeyboardInterrupt:
        sys.exit(130)
    print(json.dumps(report))


if __name__ == "__main__":
    main()
