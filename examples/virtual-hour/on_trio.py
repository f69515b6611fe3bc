"""An hour of retries, time-outs and heartbeats on Trio's clock for tests.

The same client, service and heartbeat as in main.py, which says more. Trio
brings the clock along: `MockClock`, which with `autojump_threshold=0` goes to
the next deadline as soon as all tasks wait. The tasks that may run together
do so in an order drawn by lot, so that nothing here may depend on it.

    python examples/virtual-hour/on_trio.py
    python examples/virtual-hour/on_trio.py --hours 10
"""

import argparse
import json
import sys
import time
from collections.abc import Callable
from typing import Any

import trio
from trio.testing import MockClock

# Bounds what a slip of the finger could take of the time.
MOST_HOURS = 1000

EVENTS = ("answer", "time-out", "refused", "gave up", "beat")

# What happened, and after how many milliseconds.
Log = list[tuple[int, str]]


class Dice:
    """The same numbers in every language (minstd)."""

    def __init__(self, seed: int) -> None:
        self.state = seed

    def below(self, end: int) -> int:
        self.state = self.state * 48_271 % 2_147_483_647
        return self.state % end


# ANCHOR: service
async def service(dice: Dice) -> None:
    # Odd, so that no answer comes at the very end of a time-out.
    await trio.sleep((2 * dice.below(1500) + 1) / 1000)
    if dice.below(8) == 0:
        raise ConnectionRefusedError
# ANCHOR_END: service


# ANCHOR: client
HOUR = 3_600_000  # milliseconds, as everywhere where it says nothing else
LIMIT = 2  # seconds
ATTEMPTS = 4


async def call(dice: Dice, note: Callable[[str], None]) -> None:
    for attempt in range(ATTEMPTS):
        if attempt > 0:
            backoff = 100 * 2**attempt + dice.below(100)
            await trio.sleep(backoff / 1000)
        try:
            with trio.fail_after(LIMIT):
                await service(dice)
        except trio.TooSlowError:
            note("time-out")
        except ConnectionRefusedError:
            note("refused")
        else:
            note("answer")
            return
    note("gave up")


async def client(dice: Dice, log: Log) -> None:
    begun = trio.current_time()

    def elapsed() -> int:
        return round((trio.current_time() - begun) * 1000)

    while elapsed() < HOUR:
        await call(dice, lambda event: log.append((elapsed(), event)))
        await trio.sleep((250 + dice.below(500)) / 1000)
# ANCHOR_END: client


# ANCHOR: heartbeat
PERIOD = 10  # seconds


async def heartbeat(log: Log) -> None:
    begun = trio.current_time()
    for beat in range(1, HOUR // (PERIOD * 1000) + 1):
        await trio.sleep_until(begun + beat * PERIOD)
        log.append((round((trio.current_time() - begun) * 1000), "beat"))
# ANCHOR_END: heartbeat


# ANCHOR: hour
async def hour(seed: int) -> Log:
    calls: Log = []
    beats: Log = []
    async with trio.open_nursery() as nursery:
        nursery.start_soon(client, Dice(seed), calls)
        nursery.start_soon(heartbeat, beats)
    return calls + beats
# ANCHOR_END: hour


async def measured(hours: int) -> dict[str, Any]:
    wall, cpu = time.perf_counter(), time.process_time()
    logs = [await hour(seed) for seed in range(1, hours + 1)]
    seconds = time.perf_counter() - wall
    cpu_seconds = time.process_time() - cpu
    return report(logs, seconds, cpu_seconds)


def report(
    logs: list[Log], seconds: float, cpu_seconds: float
) -> dict[str, Any]:
    counts = dict.fromkeys(EVENTS, 0)
    digest = 0
    for log in logs:
        for elapsed, event in log:
            counts[event] += 1
            entry = elapsed * len(EVENTS) + EVENTS.index(event)
            digest = (digest * 31 + entry) % 1_000_000_007
    return {
        "result": {"hours": len(logs), "events": counts, "digest": digest},
        "phases": {
            "hours": {
                "seconds": seconds,
                "cpu_seconds": cpu_seconds,
                "work": len(logs),
                "counts": {"events": sum(counts.values())},
            }
        },
    }


def hours(text: str) -> int:
    digits = text.isascii() and text.isdigit()
    if not digits or not 1 <= int(text) <= MOST_HOURS:
        raise argparse.ArgumentTypeError(
            f"{text!r} is not a whole number from 1 to {MOST_HOURS}"
        )
    return int(text)


def options(description: str | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=description,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--hours",
        type=hours,
        default=1,
        metavar="N",
        help="of the client's time (default: %(default)s)",
    )
    return parser.parse_args()


# ANCHOR: run
def run(hours: int) -> dict[str, Any]:
    clock = MockClock(autojump_threshold=0)
    return trio.run(measured, hours, clock=clock)
# ANCHOR_END: run


def main() -> None:
    arguments = options(__doc__)
    try:
        result = run(arguments.hours)
    except KeyboardInterrupt:
        sys.exit(130)
    print(json.dumps(result))


if __name__ == "__main__":
    main()
