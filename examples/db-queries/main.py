"""Requests to PostgreSQL by asyncpg, on asyncio.

A request looks up so many rows, each by a query of its own: one after
another over one connection, or at once over a pool; or all by one query.
The twin is main.rs; threads.py and others.py do the same by other drivers.

Needs a database in which it may make a schema of its own, `price_of_await`,
and drops it at the end.

    python examples/db-queries/main.py --queries 40 \\
        --database postgresql://USER@127.0.0.1/NAME
"""

import argparse
import asyncio
import time
from collections.abc import Awaitable, Callable
from functools import partial

import asyncpg
from lookups import (
    STATEMENT_TIMEOUT,
    TIMEOUT,
    Phase,
    options,
    phases,
    print_report,
    request_ids,
    tables,
)

ONE = "SELECT value FROM price_of_await.{table} WHERE id = $1"
ALL = "SELECT value FROM price_of_await.{table} WHERE id = ANY($1)"


# ANCHOR: in-turn
async def in_turn(pool: asyncpg.Pool, find: str, ids: list[int]) -> int:
    async with pool.acquire(timeout=TIMEOUT) as connection:
        return sum([await connection.fetchval(find, id) for id in ids])
# ANCHOR_END: in-turn


# ANCHOR: at-once
async def at_once(pool: asyncpg.Pool, find: str, ids: list[int]) -> int:
    async with asyncio.TaskGroup() as group:
        finding = [group.create_task(pool.fetchval(find, id)) for id in ids]
    return sum(task.result() for task in finding)
# ANCHOR_END: at-once


# ANCHOR: together
async def together(pool: asyncpg.Pool, find: str, ids: list[int]) -> int:
    return sum(row["value"] for row in await pool.fetch(find, ids))
# ANCHOR_END: together


Request = Callable[[list[int]], Awaitable[int]]

HOW = {
    "in-turn": (in_turn, ONE),
    "at-once": (at_once, ONE),
    "together": (together, ALL),
}


async def call(
    request: Request, phase: Phase, numbers: range, queries: int
) -> None:
    """One caller: so many requests, one after another."""
    for number in numbers:
        began = time.perf_counter()
        found = await request(request_ids(number, queries))
        phase.add(found, began)


async def all_callers(
    request: Request, chosen: argparse.Namespace, each: int
) -> Phase:
    phase = Phase()
    async with asyncio.TaskGroup() as group:
        for caller in range(chosen.callers):
            numbers = range(caller * each, (caller + 1) * each)
            group.create_task(call(request, phase, numbers, chosen.queries))
    return phase


async def no_reset(_: asyncpg.Connection) -> None:
    """The other drivers' pools send nothing when a connection comes back."""


async def run(chosen: argparse.Namespace) -> None:
    async with asyncpg.create_pool(
        chosen.database,
        min_size=chosen.connections,
        max_size=chosen.connections,
        timeout=TIMEOUT,
        server_settings={"statement_timeout": STATEMENT_TIMEOUT},
        reset=None if chosen.reset else no_reset,
    ) as pool:
        how, sql = HOW[chosen.how]
        done = {}
        for name, (table, requests) in phases(chosen).items():
            request = partial(how, pool, sql.format(table=table))
            # Prepares the query on every connection.
            await all_callers(request, chosen, 1)
            done[name] = await all_callers(request, chosen, requests)
        print_report(done, chosen.queries)


def main() -> None:
    reset = {"--reset": "reset connections that come back, as is usual"}
    chosen = options(__doc__, HOW, reset)
    with tables(chosen):
        asyncio.run(run(chosen))


if __name__ == "__main__":
    main()
