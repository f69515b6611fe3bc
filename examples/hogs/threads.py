"""A timer beside threads that compute: how late does it get its turn?

As main.py does with tasks. Nobody yields here: the interpreter takes its lock
away from a thread that has held it for the switch interval, if another
wants it, and the kernel shares out the core.

    python examples/hogs/threads.py
"""

import argparse
import json
import time
from threading import Event, Thread
from typing import Any


# ANCHOR: hog
def hog(slice: float, enough: Event) -> None:
    while not enough.is_set():
        compute(slice)
# ANCHOR_END: hog


def compute(seconds: float) -> int:
    """Keeps the thread busy for that long."""
    end = time.perf_counter() + seconds
    steps = 0
    while time.perf_counter() < end:
        steps += 1
    return steps


def heartbeat(beats: int, period: float) -> list[int]:
    """How late each beat came, in microseconds."""
    start = time.perf_counter()
    lags = []
    for beat in range(1, beats + 1):
        due = start + beat * period
        time.sleep(max(0.0, due - time.perf_counter()))
        lags.append(max(0, round((time.perf_counter() - due) * 1e6)))
    return lags


def measured(options: argparse.Namespace) -> dict[str, Any]:
    enough = Event()
    hogs = [
        Thread(target=hog, args=(options.slice / 1000, enough))
        for _ in range(options.hogs)
    ]
    wall, cpu = time.perf_counter(), time.process_time()
    for thread in hogs:
        thread.start()
    try:
        lags = heartbeat(options.beats, options.period / 1000)
        phase = {
            "seconds": time.perf_counter() - wall,
            "cpu_seconds": time.process_time() - cpu,
            "work": options.beats,
            "latencies_us": lags,
        }
    finally:
        enough.set()
        for thread in hogs:
            thread.join()
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
    for name, default, what in (
        ("hogs", 4, "threads that compute"),
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
    print(json.dumps(measured(parser.parse_args())))


if __name__ == "__main__":
    main()
