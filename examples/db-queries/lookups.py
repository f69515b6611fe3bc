"""What all clients of this experiment share: the table, the numbers that are
looked up, the options, and the report."""

import argparse
import json
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import psycopg

# Seconds for a connection, be it a new one or one of the pool.
TIMEOUT = 5.0
# For a query. The server watches it, so that no client needs a timer for each.
STATEMENT_TIMEOUT = "5s"
# The same for libpq.
LIBPQ_OPTIONS = f"-c statement_timeout={STATEMENT_TIMEOUT}"

# Rows with ids from 0. The step between two lookups has no common divisor
# with their number, so that they go all over the table.
ROWS = 10_000
STEP = 7919

# The view holds the same, but each query of it takes {wait} milliseconds.
SET_UP = """
DROP SCHEMA IF EXISTS price_of_await CASCADE;
CREATE SCHEMA price_of_await;
CREATE TABLE price_of_await.items (id bigint PRIMARY KEY, value bigint);
INSERT INTO price_of_await.items
    SELECT id, id * 31 % 1009 FROM generate_series(0, {rows} - 1) AS id;
ANALYZE price_of_await.items;
CREATE VIEW price_of_await.slow_items AS
    SELECT items.* FROM price_of_await.items, pg_sleep({wait} / 1000.0);
"""
TEAR_DOWN = "DROP SCHEMA price_of_await CASCADE"


def request_ids(number: int, queries: int) -> list[int]:
    """What a request looks up: each id is that of one query."""
    first = number * queries
    return [
        position * STEP % ROWS for position in range(first, first + queries)
    ]


@contextmanager
def tables(chosen: argparse.Namespace) -> Iterator[None]:
    """Within, the table and the view are there."""
    execute(chosen.database, SET_UP.format(rows=ROWS, wait=chosen.wait))
    yield
    execute(chosen.database, TEAR_DOWN)


def execute(url: str, sql: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(sql)


class Phase:
    """A phase while it runs: what its requests found, and how long each took.

    Used by many threads at once, each of which appends to the list."""

    def __init__(self) -> None:
        self.requests: list[tuple[int, float]] = []
        self.wall = time.perf_counter()
        self.cpu = time.process_time()

    def add(self, found: int, began: float) -> None:
        self.requests.append((found, time.perf_counter() - began))

    def end(self, queries: int) -> tuple[int, dict]:
        """The sum of all values, and the report on this phase."""
        seconds = time.perf_counter() - self.wall
        cpu_seconds = time.process_time() - self.cpu
        work = len(self.requests) * queries
        latencies = [max(1, round(took * 1e6)) for _, took in self.requests]
        return sum(found for found, _ in self.requests), {
            "seconds": seconds,
            "cpu_seconds": cpu_seconds,
            "work": work,
            "latencies_us": latencies,
        }


def phases(chosen: argparse.Namespace) -> dict[str, tuple[str, int]]:
    """The phases by name: what is asked, and the requests of each caller."""
    found = {"lookups": ("items", chosen.requests)}
    if chosen.slow_requests > 0:
        found["waits"] = ("slow_items", chosen.slow_requests)
    return found


def print_report(done: dict[str, Phase], queries: int) -> None:
    """The last line: what was found in all phases, and each phase."""
    ends = {name: phase.end(queries) for name, phase in done.items()}
    report = {
        "result": [total for total, _ in ends.values()],
        "phases": {name: phase for name, (_, phase) in ends.items()},
    }
    print(json.dumps(report))


def database_url(text: str) -> str:
    if urlsplit(text).scheme not in ("postgresql", "postgres"):
        raise argparse.ArgumentTypeError(
            f"expected one like postgresql://USER@127.0.0.1/NAME: {text!r}"
        )
    return text


def number(text: str) -> int:
    if not (text.isascii() and text.isdigit()) or int(text) > 1_000_000:
        raise argparse.ArgumentTypeError(
            f"{text!r} is not a whole number up to a million"
        )
    return int(text)


def at_least_one(text: str) -> int:
    if (found := number(text)) == 0:
        raise argparse.ArgumentTypeError("at least 1 is expected")
    return found


def options(
    description: str | None,
    choices: Iterable[str],
    flags: dict[str, str] | None = None,
) -> argparse.Namespace:
    """The options of the command line: `choices` are those of `--how`, and
    `flags` further ones that take no value, with what they mean."""
    choices = list(choices)
    parser = argparse.ArgumentParser(
        description=description,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--database",
        type=database_url,
        required=True,
        metavar="URL",
        help="the database, where a schema price_of_await is made anew",
    )
    parser.add_argument(
        "--how",
        choices=choices,
        default=choices[0],
        help="how it is done (default: %(default)s)",
    )
    for name, check, default, help in (
        ("--callers", at_least_one, 20, "requests under way at a time"),
        ("--requests", at_least_one, 5, "of each caller, one by one"),
        ("--queries", at_least_one, 40, "of each request"),
        ("--connections", at_least_one, 20, "of the pool, open from the start"),
        ("--slow-requests", number, 0, "of each caller, in a second phase"),
        ("--wait", number, 2, "milliseconds that a query takes there"),
    ):
        parser.add_argument(
            name,
            type=check,
            default=default,
            metavar="N",
            help=f"{help} (default: %(default)s)",
        )
    parser.add_argument(
        "--total",
        type=at_least_one,
        metavar="N",
        help="queries of all callers together, instead of --requests",
    )
    for flag, help in (flags or {}).items():
        parser.add_argument(flag, action="store_true", help=help)
    found = parser.parse_args()
    if found.total is not None:
        if found.total % (found.callers * found.queries) > 0:
            parser.error(
                f"--total {found.total} cannot be divided among "
                f"{found.callers} callers with {found.queries} queries each"
            )
        found.requests = found.total // (found.callers * found.queries)
    return found
