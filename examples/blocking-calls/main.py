"""Blocking calls, all at once: in a pool of threads, in threads of their
own, or in a coroutine that only looks asynchronous.

Each call blocks its thread for a fixed time and returns its number. A batch
starts --calls of them at once and adds up their answers. main.rs is the twin.

    python examples/blocking-calls/main.py
    python examples/blocking-calls/main.py --how to-thread --pool 50
    python examples/blocking-calls/main.py --how inline
"""

import argparse
import asyncio
import json
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from threading import Lock, Thread
from typing import Any


class Gauge:
    """How many threads are in a call, and how many there were at most."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._now = 0
        self.most = 0

    def __enter__(self) -> None:
        with self._lock:
            self._now += 1
            self.most = max(self.most, self._now)

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._now -= 1


IN_CALL = Gauge()


# ANCHOR: call
def call(number: int, wait: float) -> int:
    """Stands for a driver without async, a file, a lookup of a name."""
    with IN_CALL:
        time.sleep(wait)
    return number
# ANCHOR_END: call


# ANCHOR: pool
async def in_pool(calls: int, wait: float) -> int:
    answers = (
        asyncio.to_thread(call, number, wait) for number in range(calls)
    )
    return sum(await asyncio.gather(*answers))
# ANCHOR_END: pool


# ANCHOR: inline
async def pretend(number: int, wait: float) -> int:
    return call(number, wait)


async def inline(calls: int, wait: float) -> int:
    answers = (pretend(number, wait) for number in range(calls))
    return sum(await asyncio.gather(*answers))
# ANCHOR_END: inline


# ANCHOR: threads
def in_threads(calls: int, wait: float) -> int:
    answers: list[int] = []

    def answer(number: int) -> None:
        answers.append(call(number, wait))

    threads = [Thread(target=answer, args=(n,)) for n in range(calls)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(answers)
# ANCHOR_END: threads


def run(options: argparse.Namespace) -> dict[str, Any]:
    calls, wait = options.calls, options.wait / 1000
    batches_us = []
    # ANCHOR: size
    with asyncio.Runner() as runner:
        if options.pool is not None:
            executor = ThreadPoolExecutor(options.pool)
            runner.get_loop().set_default_executor(executor)
        # ANCHOR_END: size
        wall, cpu = time.perf_counter(), time.process_time()
        for _ in range(options.batches):
            start = time.perf_counter()
            if options.how == "to-thread":
                total = runner.run(in_pool(calls, wait))
            elif options.how == "inline":
                total = runner.run(inline(calls, wait))
            else:
                total = in_threads(calls, wait)
            batches_us.append(round((time.perf_counter() - start) * 1e6))
            if total != (expected := calls * (calls - 1) // 2):
                sys.exit(f"the answers sum to {total}, not to {expected}")
        phase = {
            "seconds": time.perf_counter() - wall,
            "cpu_seconds": time.process_time() - cpu,
            "work": calls * options.batches,
            "latencies_us": batches_us,
            "counts": {"threads": IN_CALL.most},
        }
    return {
        "result": {"calls": calls, "sum": total},
        "phases": {"calls": phase},
    }


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
        choices=("to-thread", "inline", "threads"),
        default="to-thread",
        help="who blocks: threads of the loop's executor, the loop itself, "
        "or a thread for each call (default: %(default)s)",
    )
    parser.add_argument(
        "--pool",
        type=whole,
        metavar="N",
        help="threads of the executor (default: as Python chooses)",
    )
    for name, default, what in (
        ("calls", 20, "calls that start at once"),
        ("wait", 20, "milliseconds for which each blocks"),
        ("batches", 2, "times that this is done"),
    ):
        parser.add_argument(
            f"--{name}",
            type=whole,
            default=default,
            metavar="N",
            help=f"{what} (default: %(default)s)",
        )
    try:
        report = run(parser.parse_args())
    except KeyboardInterrupt:
        sys.exit(130)
    print(json.dumps(report))


if __name__ == "__main__":
    main()
