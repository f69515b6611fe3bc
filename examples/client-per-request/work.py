"""What the Python clients share: the command line, the workers, and the
report.

Not a program of its own: run main.py or aiohttp_client.py.
"""

import argparse
import asyncio
import contextlib
import json
import ssl
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

# Seconds for one request, from connecting to the last byte of the answer.
TIMEOUT = 10.0

# What fetches item i and returns its check.
Get = Callable[[int], Awaitable[int]]


class WrongAnswer(Exception):
    """The peer answered, but not what was asked for."""


def checked(i: int, status: int, item: object) -> int:
    """What item i carries, if this is the answer it should be."""
    match item:
        case {"id": found, "check": int(check)} if (found, status) == (i, 200):
            return check
        case other:
            raise WrongAnswer(f"item {i}: {status}, {other}")


# ANCHOR: workers
async def fetch_all(get: Get, gets: int, concurrency: int) -> int:
    todo = iter(range(gets))

    async def worker() -> int:
        total = 0
        for i in todo:
            total += await get(i)
        return total

    async with asyncio.TaskGroup() as group:
        workers = [group.create_task(worker()) for _ in range(concurrency)]
    return sum(task.result() for task in workers)
# ANCHOR_END: workers


async def measure(get: Get, options: argparse.Namespace) -> None:
    """Fetches everything and reports what it took."""
    gets = options.gets
    wall, cpu = time.perf_counter(), time.process_time()
    total = await fetch_all(get, gets, options.concurrency)
    measured = {
        "seconds": time.perf_counter() - wall,
        "cpu_seconds": time.process_time() - cpu,
        "work": gets,
    }
    expected = sum(i * 2654435761 % 2**32 for i in range(gets))
    if total != expected:
        raise WrongAnswer(f"the checks sum to {total}, not to {expected}")
    result = {"gets": gets, "sum": total}
    print(json.dumps({"result": result, "phases": {"gets": measured}}))


# The command line.


def options(description: str | None, how: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=description,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--base",
        type=https_url,
        required=True,
        metavar="URL",
        help="GET from URL/item/0, URL/item/1..., by HTTPS",
    )
    parser.add_argument(
        "--ca",
        type=readable,
        required=True,
        metavar="FILE",
        help="the authority that signed its certificate, as PEM",
    )
    parser.add_argument(
        "--client",
        choices=how,
        default="shared",
        help="one for each request, or for all (default: %(default)s)",
    )
    parser.add_argument(
        "--gets",
        type=positive,
        default=20,
        metavar="N",
        help="how many items to GET (default: %(default)s)",
    )
    parser.add_argument(
        "--concurrency",
        type=positive,
        default=10,
        metavar="N",
        help="workers, one GET each at a time (default: %(default)s)",
    )
    return parser.parse_args()


def positive(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text)):
        raise argparse.ArgumentTypeError(
            f"{text!r} is not a positive whole number"
        )
    return int(text)


def readable(text: str) -> Path:
    try:
        # Whether it holds certificates, and not only whether it is there.
        ssl.create_default_context(cafile=text)
    except (OSError, ValueError) as error:
        raise argparse.ArgumentTypeError(f"{text!r}: {error}") from None
    return Path(text)


def https_url(text: str) -> str:
    try:
        url = urlsplit(text)
        # Reading the port checks it.
        port = url.port
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r}: {error}") from None
    plain = not (url.query or url.fragment)
    if url.scheme != "https" or not url.hostname or port == 0 or not plain:
        raise argparse.ArgumentTypeError(
            f"{text!r} is not like https://127.0.0.1:8443"
        )
    return text.rstrip("/")


@contextlib.contextmanager
def failures(*kinds: type[Exception]) -> Iterator[None]:
    """Ends the program with a message and status 1 on wrong answers, on
    failures of the network, and on those of these kinds, alone or grouped.
    """
    caught: tuple[type[Exception], ...]
    # ValueError: what came is not JSON, or not even text.
    caught = (OSError, ValueError, WrongAnswer, *kinds)
    failure: BaseException | None = None
    try:
        yield
    except* caught as group:
        # One is enough to tell what happened, and all may tell the same.
        failure = group
        while isinstance(failure, BaseExceptionGroup):
            failure = failure.exceptions[0]
    if failure is not None:
        # A time-out has nothing to add to its name.
        sys.exit(f"{type(failure).__name__}: {failure}".removesuffix(": "))
