"""Many threads count on one counter, under a threading.Lock.

As main.py does with tasks. An interpreter with a global lock switches
threads only now and then; the free-threaded one runs them at once.

    python examples/shared-counter/threads.py
"""

import argparse
import json
import sys
import time
from collections.abc import Callable
from threading import Lock, Thread
from typing import Any


class Failure(Exception):
    """What was done is not what was asked for."""


class Counter:
    def __init__(self) -> None:
        self.total = 0
        self.lock = Lock()


# ANCHOR: lock
def add_locked(counter: Counter, adds: int) -> None:
    for _ in range(adds):
        with counter.lock:
            counter.total += 1
# ANCHOR_END: lock


# ANCHOR: across
def wait_locked(counter: Counter, adds: int) -> None:
    for _ in range(adds):
        with counter.lock:
            seen = counter.total
            time.sleep(0)
            counter.total = seen + 1
# ANCHOR_END: across


def timed(
    work: Callable[[Counter, int], None], threads: int, adds: int
) -> dict[str, float]:
    counter = Counter()
    crew = [
        Thread(target=work, args=(counter, adds // threads))
        for _ in range(threads)
    ]
    wall, cpu = time.perf_counter(), time.process_time()
    for thread in crew:
        thread.start()
    for thread in crew:
        thread.join()
    phase = {
        "seconds": time.perf_counter() - wall,
        "cpu_seconds": time.process_time() - cpu,
        "work": adds,
    }
    if counter.total != adds:
        raise Failure(f"the counter says {counter.total}, not {adds}")
    return phase


def measured(options: argparse.Namespace) -> dict[str, Any]:
    threads = options.tasks
    # So many for each thread.
    adds = options.adds // threads * threads
    awaits = options.awaits // threads * threads
    return {
        "phases": {
            "short": timed(add_locked, threads, adds),
            "waiting": timed(wait_locked, threads, awaits),
        },
        "result": {"lost": 0},  # or it would have failed
    }


def whole(text: str) -> int:
    digits = text.isascii() and text.isdigit()
    if not digits or not 1 <= int(text) <= 1_000_000_000:
        raise argparse.ArgumentTypeError(
            f"{text!r} is not a whole number from 1 to 1000000000"
        )
    return int(text)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    for name, default, what in (
        ("tasks", 16, "threads that count"),
        ("adds", 16_000, "additions of all threads, without a sleep"),
        ("awaits", 16_000, "additions of all threads, with time.sleep(0)"),
    ):
        parser.add_argument(
            f"--{name}",
            type=whole,
            default=default,
            metavar="N",
            help=f"{what} (default: %(default)s)",
        )
    options = parser.parse_args()
    if min(options.adds, options.awaits) < options.tasks:
        parser.error("--adds and --awaits need one addition for each thread")
    try:
        report = measured(options)
    except Failure as error:
        sys.exit(str(error))
    print(json.dumps(report))


if __name__ == "__main__":
    main()
