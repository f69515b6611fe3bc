"""What both Python clients share: the keys, the options, and the report."""

import argparse
import json
import time
from collections.abc import Iterable
from urllib.parse import urlsplit

# Seconds for a connection, or for one answer.
TIMEOUT = 5.0

# Keys, numbered from 0. The step between two GETs has no common divisor
# with their number, so that all of them are asked for.
KEYS = 1000
STEP = 389


def key(number: int) -> str:
    return f"price_of_await:{number * STEP % KEYS}"


VALUES = {key(number): number * 31 % 1009 for number in range(KEYS)}


def split(number: int, parts: int) -> list[range]:
    """The numbers from 0, in so many runs of equal length."""
    length = number // parts
    return [range(part * length, (part + 1) * length) for part in range(parts)]


class Phases:
    """Clocks for one phase after another."""

    def __init__(self) -> None:
        self.sums: list[int] = []
        self.phases: dict[str, dict] = {}

    def start(self) -> None:
        self.wall, self.cpu = time.perf_counter(), time.process_time()

    def stop(self, name: str, gets: int, values: Iterable[bytes]) -> None:
        seconds = time.perf_counter() - self.wall
        cpu_seconds = time.process_time() - self.cpu
        self.sums.append(sum(map(int, values)))
        self.phases[name] = {
            "seconds": seconds,
            "cpu_seconds": cpu_seconds,
            "work": gets,
        }

    def print(self) -> None:
        print(json.dumps({"result": self.sums, "phases": self.phases}))


def options(description: str | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=description,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--redis",
        type=redis_url,
        required=True,
        metavar="URL",
        help="the server, where keys price_of_await:* are set",
    )
    for name, default, help in (
        ("--gets", 4000, "GETs in each phase"),
        ("--batch", 100, "GETs in one pipeline"),
        ("--callers", 20, "who ask at the same time, in the last phase"),
    ):
        parser.add_argument(
            name,
            type=at_least_one,
            default=default,
            metavar="N",
            help=f"{help} (default: %(default)s)",
        )
    found = parser.parse_args()
    for name in ("batch", "callers"):
        if found.gets % (parts := getattr(found, name)) > 0:
            parser.error(f"--gets {found.gets} is no multiple of {parts}")
    return found


def redis_url(text: str) -> str:
    if urlsplit(text).scheme != "redis":
        raise argparse.ArgumentTypeError(
            f"expected one like redis://127.0.0.1:6379/0: {text!r}"
        )
    return text


def at_least_one(text: str) -> int:
    if not (text.isascii() and text.isdigit()) or not (
        1 <= int(text) <= 1_000_000
    ):
        raise argparse.ArgumentTypeError(
            f"{text!r} is not a whole number from 1 to a million"
        )
    return int(text)
