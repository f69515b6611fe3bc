"""Three waits, then three more: one after another, or all at once.

With `one-by-one` the waits add up, though every line says `await`. With
`gather` and `taskgroup` each wait is a task of its own, and all of them
together last as long as the longest. The twin is main.rs; plain.py is
the same without asyncio.

    python examples/naps/main.py
    python examples/naps/main.py --how one-by-one --nap 1000
    python examples/naps/main.py --loop uvloop
"""

import argparse
import asyncio
import json
import sys
import time
from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple


# ANCHOR: call
class Call(NamedTuple):
    ms: int
    begun: float
    ended: float


async def call(ms: int) -> Call:
    begun = time.perf_counter()
    await asyncio.sleep(ms / 1000)
    return Call(ms, begun, ended=time.perf_counter())
# ANCHOR_END: call


# ANCHOR: one_by_one
async def one_by_one(waits: list[int]) -> list[Call]:
    return [await call(ms) for ms in waits]
# ANCHOR_END: one_by_one


# ANCHOR: together
async def together(waits: list[int]) -> list[Call]:
    return await asyncio.gather(*(call(ms) for ms in waits))
# ANCHOR_END: together


# ANCHOR: group
async def group(waits: list[int]) -> list[Call]:
    async with asyncio.TaskGroup() as tasks:
        running = [tasks.create_task(call(ms)) for ms in waits]
    # The block is left only when every task has finished, so no result
    # has to be waited for: they are read in the order of the waits.
    return [task.result() for task in running]
# ANCHOR_END: group


How = Callable[[list[int]], Awaitable[list[Call]]]

LoopFactory = Callable[[], asyncio.AbstractEventLoop]

HOW: dict[str, How] = {
    "one-by-one": one_by_one,
    "gather": together,
    "taskgroup": group,
}


async def measured(
    how: How, waits: list[int]
) -> tuple[list[int], dict[str, Any]]:
    """What the waits returned, and what they took."""
    wall, cpu = time.perf_counter(), time.process_time()
    calls = await how(waits)
    seconds = time.perf_counter() - wall
    cpu_seconds = time.process_time() - cpu
    return [call.ms for call in calls], {
        "seconds": seconds,
        "cpu_seconds": cpu_seconds,
        "work": len(calls),
        # From the start of the phase, for the chart.
        "spans": [(c.begun - wall, c.ended - wall) for c in calls],
    }


async def run(how: How, nap: int, calls: list[int]) -> None:
    napped, naps_phase = await measured(how, [nap] * 3)
    called, calls_phase = await measured(how, calls)
    report = {
        "result": {"naps": napped, "calls": called},
        "phases": {"naps": naps_phase, "calls": calls_phase},
    }
    print(json.dumps(report))


def loop_factory(name: str) -> LoopFactory | None:
    if name == "asyncio":
        return None
    try:
        import uvloop
    except ModuleNotFoundError as error:
        sys.exit(f"--loop uvloop: {error} (see requirements.txt)")
    return uvloop.new_event_loop


def milliseconds(text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise argparse.ArgumentTypeError(
            f"{text!r} is not a whole number of milliseconds"
        )
    return int(text)


def three_waits(text: str) -> list[int]:
    waits = [milliseconds(part) for part in text.split(",")]
    # As many as main.rs takes: tokio::join! names each call it awaits.
    if len(waits) != 3:
        raise argparse.ArgumentTypeError(
            f"expected three waits, found {len(waits)} in {text!r}"
        )
    return waits


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--how",
        choices=HOW,
        default="gather",
        help="how the waits are combined (default: %(default)s)",
    )
    parser.add_argument(
        "--nap",
        type=milliseconds,
        default=100,
        metavar="MS",
        help="length of each of the three naps (default: %(default)s)",
    )
    parser.add_argument(
        "--calls",
        type=three_waits,
        default="50,80,40",
        metavar="MS,MS,MS",
        help="lengths of the three calls (default: %(default)s)",
    )
    parser.add_argument(
        "--loop",
        choices=("asyncio", "uvloop"),
        default="asyncio",
        help="the event loop (default: %(default)s)",
    )
    options = parser.parse_args()
    with asyncio.Runner(loop_factory=loop_factory(options.loop)) as runner:
        runner.run(run(HOW[options.how], options.nap, options.calls))


if __name__ == "__main__":
    main()
