"""Documents, and how work on them is reported: what the programs share."""

import argparse
import asyncio
import json
import sys
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from itertools import cycle, islice
from typing import Any

# Different ones, used over and over.
DIFFERENT = 64

# What the digests of all documents add up to.
Total = Callable[[Iterator[bytes]], Awaitable[int]]


def documents(fields: int) -> list[bytes]:
    return [document(k, fields) for k in range(DIFFERENT)]


def document(k: int, fields: int) -> bytes:
    numbers = ((k * 7919 + i * 104_729) % 1000 for i in range(fields))
    return b",".join(b"%d" % number for number in numbers)


async def measured(do: Total, options: argparse.Namespace) -> dict[str, Any]:
    different = documents(options.fields)
    enough = min(options.documents, max(1, options.total // options.fields))
    await do(iter(different[:1]))  # starts what there is to start
    work = islice(cycle(different), enough)
    wall, cpu = time.perf_counter(), time.process_time()
    total = await do(work)
    phase = {
        "seconds": time.perf_counter() - wall,
        "cpu_seconds": time.process_time() - cpu,
        "work": enough,
    }
    return {
        "result": {"documents": enough, "total": total},
        "phases": {"documents": phase},
    }


def count(text: str) -> int:
    digits = text.isascii() and text.isdigit()
    if not digits or not 1 <= int(text) <= 1_000_000_000:
        raise argparse.ArgumentTypeError(
            f"{text!r} is not a whole number from 1 to 1000000000"
        )
    return int(text)


def run(description: str | None, how: Mapping[str, Total]) -> None:
    """The command line of a program that knows some ways to do the work."""
    parser = argparse.ArgumentParser(
        description=description,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--how",
        choices=how,
        default=next(iter(how)),
        help="who digests the documents (default: %(default)s)",
    )
    for name, default, what in (
        ("fields", 100, "fields of a document"),
        ("total", 200_000, "fields of all documents together"),
        ("documents", 2_000, "documents at most"),
    ):
        parser.add_argument(
            f"--{name}",
            type=count,
            default=default,
            metavar="N",
            help=f"{what} (default: %(default)s)",
        )
    options = parser.parse_args()
    try:
        report = asyncio.run(measured(how[options.how], options))
    except KeyboardInterrupt:
        sys.exit(130)
    print(json.dumps(report))
