"""An hour of retries, time-outs and heartbeats on a clock that jumps.

A client calls a service, call after call, for an hour. The service takes its
time, and sometimes refuses; the client gives each attempt two seconds, backs
off and tries again. Beside it runs a heartbeat. Nothing here is real, the
time least of all: whenever everybody waits, the clock goes to the next timer.
What happened when is the same in every run, to the millisecond. The twins are
main.rs and on_trio.py.

    python examples/virtual-hour/main.py
    python examples/virtual-hour/main.py --hours 10
"""

import argparse
import asyncio
import json
import selectors
import sys
import time
from collections.abc import Callable
from selectors import SelectorKey
from typing import Any

# Bounds what a slip of the finger could take of the time.
MOST_HOURS = 1000


# ANCHOR: clock
class JumpingSelector(selectors.DefaultSelector):
    """Where the loop would sleep until a timer, its time jumps there."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self.calls = 0  # in other threads

    def select(
        self, timeout: float | None = None
    ) -> list[tuple[SelectorKey, int]]:
        if timeout is None or timeout <= 0:
            return super().select(timeout)
        if self.calls or len(self.get_map()) > 1:  # one is the loop's own
            return super().select(None)  # the time waits for the world
        if not (events := super().select(0)):
            self.now += timeout
        return events


class VirtualLoop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self._clock = JumpingSelector()
        super().__init__(self._clock)

    def time(self) -> float:
        return self._clock.now

    def run_in_executor(
        self, executor: Any, func: Callable[..., Any], *args: Any
    ) -> asyncio.Future[Any]:
        future = super().run_in_executor(executor, func, *args)
        self._clock.calls += 1
        future.add_done_callback(self._returned)
        return future

    def _returned(self, _: asyncio.Future[Any]) -> None:
        self._clock.calls -= 1

    async def shutdown_default_executor(self, *_: Any) -> None:
        # Without the time-out, which would be over at once.
        await super().shutdown_default_executor()
# ANCHOR_END: clock


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
    await asyncio.sleep((2 * dice.below(1500) + 1) / 1000)
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
            await asyncio.sleep(backoff / 1000)
        try:
            async with asyncio.timeout(LIMIT):
                await service(dice)
        except TimeoutError:
            note("time-out")
        except ConnectionRefusedError:
            note("refused")
        else:
            note("answer")
            return
    note("gave up")


async def client(dice: Dice) -> Log:
    loop = asyncio.get_running_loop()
    begun = loop.time()
    log: Log = []

    def elapsed() -> int:
        return round((loop.time() - begun) * 1000)

    while elapsed() < HOUR:
        await call(dice, lambda event: log.append((elapsed(), event)))
        await asyncio.sleep((250 + dice.below(500)) / 1000)
    return log
# ANCHOR_END: client


# ANCHOR: heartbeat
PERIOD = 10  # seconds


async def heartbeat() -> Log:
    loop = asyncio.get_running_loop()
    begun = loop.time()
    log: Log = []
    for beat in range(1, HOUR // (PERIOD * 1000) + 1):
        await asyncio.sleep(begun + beat * PERIOD - loop.time())
        log.append((round((loop.time() - begun) * 1000), "beat"))
    return log
# ANCHOR_END: heartbeat


# ANCHOR: hour
async def hour(seed: int) -> Log:
    async with asyncio.TaskGroup() as group:
        calls = group.create_task(client(Dice(seed)))
        beats = group.create_task(heartbeat())
    return calls.result() + beats.result()
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
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(measured(hours))
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
