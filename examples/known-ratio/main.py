"""A walk through a table: the same steps as main.rs takes.

Nothing here is asynchronous. The program exists so that the harness can be
asked for a ratio that is large and known to be steady.

    python examples/known-ratio/main.py
    python examples/known-ratio/main.py --steps 2000000
"""

import argparse
import json
import time
from array import array

# Entries of the table: 256 KiB, more than a first-level cache holds.
ENTRIES = 1 << 16


# ANCHOR: walk
def table() -> array:
    """Where each entry leads next. Full period, Hull and Dobell (1962)."""
    return array("I", ((i * 25_173 + 13_849) % ENTRIES for i in range(ENTRIES)))


def walk(table: array, steps: int) -> int:
    """Every step waits for the load before it."""
    at = total = 0
    for _ in range(steps):
        at = table[at]
        total += at
    return total
# ANCHOR_END: walk


def positive(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text) > 0):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number above 0")
    return int(text)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--steps",
        type=positive,
        default=1_000_000,
        metavar="N",
        help="steps of the walk (default: %(default)s)",
    )
    options = parser.parse_args()

    places = table()
    cpu, began = time.process_time(), time.perf_counter()
    total = walk(places, options.steps)
    seconds = time.perf_counter() - began
    cpu_seconds = time.process_time() - cpu

    report = {
        "result": {"steps": options.steps, "sum": total},
        "phases": {
            "walk": {
                "seconds": seconds,
                "cpu_seconds": cpu_seconds,
                "work": options.steps,
            }
        },
    }
    print(json.dumps(report))


if __name__ == "__main__":
    main()
