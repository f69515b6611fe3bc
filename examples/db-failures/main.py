"""What a pool does when its users keep connections, or are cancelled.

Three things, by asyncpg or by psycopg 3: requests that keep a connection
while they wait for something else, against requests that give it back; a
query that is given up, and how long whoever gets its connection next must
wait; a transaction that is given up. The twin is main.rs.

Needs a database, in which it leaves nothing.

    python examples/db-failures/main.py --driver asyncpg \\
        --database postgresql://USER@127.0.0.1/NAME
"""

import argparse
import asyncio
import json
import logging
import time
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any
from urllib.parse import urlsplit

import asyncpg
from psycopg_pool import AsyncConnectionPool

# Seconds for a connection, be it a new one or one of the pool.
TIMEOUT = 5.0
NAME = "price_of_await"
COUNT_OPEN = f"""
SELECT count(*) FROM pg_stat_activity
WHERE application_name = '{NAME}' AND state LIKE 'idle in transaction%'
"""

# Lends a connection, which has a coroutine `execute`.
Lend = Callable[[], AbstractAsyncContextManager[Any]]


# ANCHOR: kept
async def kept(lend: Lend, elsewhere: float) -> None:
    async with lend() as connection:
        await connection.execute("SELECT 1")
        await asyncio.sleep(elsewhere)  # an HTTP call, say
        await connection.execute("SELECT 2")
# ANCHOR_END: kept


# ANCHOR: returned
async def returned(lend: Lend, elsewhere: float) -> None:
    async with lend() as connection:
        await connection.execute("SELECT 1")
    await asyncio.sleep(elsewhere)
    async with lend() as connection:
        await connection.execute("SELECT 2")
# ANCHOR_END: returned


# ANCHOR: given-up
async def given_up(lend: Lend, query: float, patience: float) -> float:
    """Seconds until the next user of the pool's only connection is served."""
    try:
        async with asyncio.timeout(patience), lend() as connection:
            await connection.execute(f"SELECT pg_sleep({query})")
    except TimeoutError:
        pass
    else:
        raise AssertionError("the query should not have ended")
    began = time.perf_counter()
    async with lend() as connection:
        await connection.execute("SELECT 1")
    return time.perf_counter() - began
# ANCHOR_END: given-up


# ANCHOR: left-open
async def leave_open(lend: Lend, patience: float) -> None:
    try:
        async with asyncio.timeout(patience), lend() as connection:
            await connection.execute("BEGIN")
            await asyncio.sleep(3600)
            await connection.execute("COMMIT")
    except TimeoutError:
        pass
# ANCHOR_END: left-open


def open_asyncpg(url: str, size: int) -> tuple[Any, Lend]:
    pool = asyncpg.create_pool(
        url,
        min_size=size,
        max_size=size,
        timeout=TIMEOUT,
        server_settings={"application_name": NAME},
    )
    return pool, lambda: pool.acquire(timeout=TIMEOUT)


def open_psycopg(url: str, size: int) -> tuple[Any, Lend]:
    pool = AsyncConnectionPool(
        url,
        min_size=size,
        max_size=size,
        timeout=TIMEOUT,
        kwargs={"autocommit": True, "application_name": NAME},
        open=False,
    )
    return pool, pool.connection


DRIVERS = {"asyncpg": open_asyncpg, "psycopg": open_psycopg}


async def run(chosen: argparse.Namespace) -> None:
    open_pool = DRIVERS[chosen.driver]
    phases = {}

    pool, lend = open_pool(chosen.database, chosen.connections)
    async with pool:
        for name, request in (("kept", kept), ("returned", returned)):
            # Opens the connections.
            await all_at_once(request, lend, chosen, 0.0)
            wall, cpu = time.perf_counter(), time.process_time()
            await all_at_once(request, lend, chosen, chosen.elsewhere)
            phases[name] = {
                "seconds": time.perf_counter() - wall,
                "cpu_seconds": time.process_time() - cpu,
                "work": chosen.requests,
            }

    pool, lend = open_pool(chosen.database, 1)
    async with pool:
        cpu = time.process_time()
        seconds = await given_up(lend, chosen.query, chosen.patience)
        phases["given_up"] = {
            "seconds": seconds,
            "cpu_seconds": time.process_time() - cpu,
            "work": 1,
        }
        wall, cpu = time.perf_counter(), time.process_time()
        await leave_open(lend, chosen.patience)
        left = await count_open(chosen.database)
        phases["left_open"] = {
            "seconds": time.perf_counter() - wall,
            "cpu_seconds": time.process_time() - cpu,
            "work": 1,
            "counts": {"transactions": left},
        }
    print(json.dumps({"result": chosen.requests, "phases": phases}))


async def all_at_once(
    request: Callable, lend: Lend, chosen: argparse.Namespace, wait: float
) -> None:
    async with asyncio.TaskGroup() as group:
        for _ in range(chosen.requests):
            group.create_task(request(lend, wait))


async def count_open(url: str) -> int:
    connection = await asyncpg.connect(url, timeout=TIMEOUT)
    try:
        return await connection.fetchval(COUNT_OPEN)
    finally:
        await connection.close()


def database_url(text: str) -> str:
    if urlsplit(text).scheme not in ("postgresql", "postgres"):
        raise argparse.ArgumentTypeError(
            f"expected one like postgresql://USER@127.0.0.1/NAME: {text!r}"
        )
    return text


def at_least_one(text: str) -> int:
    if not (text.isascii() and text.isdigit()) or not (
        1 <= int(text) <= 100_000
    ):
        raise argparse.ArgumentTypeError(
            f"{text!r} is not a whole number from 1 to 100000"
        )
    return int(text)


def milliseconds(text: str) -> float:
    return at_least_one(text) / 1000


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--database",
        type=database_url,
        required=True,
        metavar="URL",
        help="the database",
    )
    parser.add_argument(
        "--driver",
        choices=DRIVERS,
        default="asyncpg",
        help="(default: %(default)s)",
    )
    for name, check, default, help in (
        ("--requests", at_least_one, 20, "under way at once"),
        ("--connections", at_least_one, 4, "of their pool"),
        ("--elsewhere", milliseconds, 0.02, "ms that each waits elsewhere"),
        ("--query", milliseconds, 0.5, "ms that the query to give up takes"),
        ("--patience", milliseconds, 0.05, "ms after which it is given up"),
    ):
        parser.add_argument(
            name, type=check, default=default, metavar="N", help=help
        )
    chosen = parser.parse_args()
    # The pools say, at length, that they found an open transaction.
    logging.getLogger("asyncio").setLevel(logging.CRITICAL)
    logging.getLogger("psycopg.pool").setLevel(logging.ERROR)
    asyncio.run(run(chosen))


if __name__ == "__main__":
    main()
