"""Two threads pass a number to and fro: what does a switch cost?

As main.py does with tasks. The queues are SimpleQueue, the leanest that the
standard library has for threads: one of C, made for handing things over.

    python examples/ping-pong/threads.py
    taskset -c 0 python examples/ping-pong/threads.py
"""

import argparse
import json
import sys
import time
from queue import SimpleQueue
from threading import Thread
from typing import Any


class Failure(Exception):
    """What was done is not what was asked for."""


# ANCHOR: play
def pong(
    balls: SimpleQueue[int], back: SimpleQueue[int], rounds: int
) -> None:
    for _ in range(rounds):
        ball = balls.get()
        back.put(ball + 1)


def ping(rounds: int) -> int:
    there: SimpleQueue[int] = SimpleQueue()
    back: SimpleQueue[int] = SimpleQueue()
    other = Thread(target=pong, args=(there, back, rounds))
    other.start()
    ball = 0
    for _ in range(rounds):
        there.put(ball)
        ball = back.get()
    other.join()
    return ball
# ANCHOR_END: play


def measured(rounds: int) -> dict[str, Any]:
    wall, cpu = time.perf_counter(), time.process_time()
    ball = ping(rounds)
    phase = {
        "seconds": time.perf_counter() - wall,
        "cpu_seconds": time.process_time() - cpu,
        "work": 2 * rounds,
    }
    if ball != rounds:
        raise Failure(f"the ball came back as {ball}, not as {rounds}")
    return {"result": {"ball": ball}, "phases": {"play": phase}}


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
    options = parser.parse_args()
    try:
        report = measured(options.rounds)
    except Failure as error:
        sys.exit(str(error))
    print(json.dumps(report))


if __name__ == "__main__":
    main()
