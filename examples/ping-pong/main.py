"""Two asyncio tasks pass a number to and fro: what does a switch cost?

One task sends a number through a queue; the other adds one and sends it
back through a second queue. Nothing else is done, so nearly all that is
measured is putting one aside and going on with the other. The twin is
main.rs; threads.py and threads.rs do the same with threads.

    python examples/ping-pong/main.py
    python examples/ping-pong/main.py --loop uvloop --rounds 50000
"""

import argparse
import asyncio
import json
import sys
import time
from asyncio import AbstractEventLoop, Queue
from collections.abc import Callable
from typing import Any


class Failure(Exception):
    """What was done is not what was asked for."""


# ANCHOR: play
async def pong(balls: Queue[int], back: Queue[int], rounds: int) -> None:
    for _ in range(rounds):
        ball = await balls.get()
        await back.put(ball + 1)


async def ping(rounds: int) -> int:
    there: Queue[int] = Queue(maxsize=1)
    back: Queue[int] = Queue(maxsize=1)
    async with asyncio.TaskGroup() as group:
        group.create_task(pong(there, back, rounds))
        ball = 0
        for _ in range(rounds):
            await there.put(ball)
            ball = await back.get()
    return ball
# ANCHOR_END: play


async def measured(rounds: int) -> dict[str, Any]:
    wall, cpu = time.perf_counter(), time.process_time()
    ball = await ping(rounds)
    phase = {
        "seconds": time.perf_counter() - wall,
        "cpu_seconds": time.process_time() - cpu,
        "work": 2 * rounds,
    }
    if ball != rounds:
        raise Failure(f"the ball came back as {ball}, not as {rounds}")
    return {"result": {"ball": ball}, "phases": {"play": phase}}


def loop_factory(name: str) -> Callable[[], AbstractEventLoop] | None:
    if name == "asyncio":
        return None
    try:
        import uvloop
    except ImportError as error:
        sys.exit(f"--loop uvloop: {error} (see requirements.txt)")
    return uvloop.new_event_loop


def round_count(text: str) -> int:
    digits = text.isascii() and text.isdigit()
    if not digits or not 1 <= int(text) <= 10_000_000:
        raise argparse.ArgumentTypeError(
            f"{text!r} is not a whole number from 1 to 10000000"
        )
    return int(text)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--rounds",
        type=round_count,
        default=10_000,
        metavar="N",
        help="how often there and back (default: %(default)s)",
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
            report = runner.run(measured(options.rounds))
    except Failure as error:
        sys.exit(str(error))
    print(json.dumps(report))


if __name__ == "__main__":
    main()
