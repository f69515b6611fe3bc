"""Three waits, then three more, one after another: ordinary Python.

Nothing here is concurrent, so the waits add up. The same waits under
asyncio are in main.py, under Tokio in main.rs.

    python examples/naps/plain.py
    python examples/naps/plain.py --nap 1000 --calls 50,80,40
"""

import argparse
import json
import time
from typing import Any, NamedTuple


# ANCHOR: call
class Call(NamedTuple):
    ms: int
    begun: float
    ended: float


def call(ms: int) -> Call:
    begun = time.perf_counter()
    time.sleep(ms / 1000)
    return Call(ms, begun, ended=time.perf_counter())
# ANCHOR_END: call


# ANCHOR: one_by_one
def one_by_one(waits: list[int]) -> list[Call]:
    return [call(ms) for ms in waits]
# ANCHOR_END: one_by_one


def measured(waits: list[int]) -> tuple[list[int], dict[str, Any]]:
    """What the waits returned, and what they took."""
    wall, cpu = time.perf_counter(), time.process_time()
    calls = one_by_one(waits)
    seconds = time.perf_counter() - wall
    cpu_seconds = time.process_time() - cpu
    return [call.ms for call in calls], {
        "seconds": seconds,
        "cpu_seconds": cpu_seconds,
        "work": len(calls),
        # From the start of the phase, for the chart.
        "spans": [(c.begun - wall, c.ended - wall) for c in calls],
    }


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
    options = parser.parse_args()

    naps, naps_phase = measured([options.nap] * 3)
    calls, calls_phase = measured(options.calls)
    report = {
        "result": {"naps": naps, "calls": calls},
        "phases": {"naps": naps_phase, "calls": calls_phase},
    }
    print(json.dumps(report))


if __name__ == "__main__":
    main()
