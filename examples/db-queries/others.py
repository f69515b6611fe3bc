"""Requests to PostgreSQL by psycopg 3 or SQLAlchemy 2, on asyncio.

A request looks up so many rows, one after another over one connection, by
psycopg's own async interface or by SQLAlchemy's over asyncpg. The twins are
main.py and main.rs.

Needs a database in which it may make a schema of its own, `price_of_await`,
and drops it at the end.

    python examples/db-queries/others.py --how sqlalchemy --queries 40 \\
        --database postgresql://USER@127.0.0.1/NAME
"""

import argparse
import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from lookups import (
    LIBPQ_OPTIONS,
    STATEMENT_TIMEOUT,
    TIMEOUT,
    Phase,
    options,
    print_report,
    request_ids,
    tables,
)
from psycopg import AsyncConnection
from psycopg_pool import AsyncConnectionPool
from sqlalchemy import BigInteger, Column, MetaData, Table, bindparam, select
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import (
    AsyncConnection as SqlAlchemyConnection,
)
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

Request = Callable[[list[int]], Awaitable[int]]

# ANCHOR: psycopg
FIND = "SELECT value FROM price_of_await.items WHERE id = %s"


async def by_psycopg(pool: AsyncConnectionPool, ids: list[int]) -> int:
    async with pool.connection() as connection:
        return sum([await lookup(connection, id) for id in ids])


async def lookup(connection: AsyncConnection, id: int) -> int:
    cursor = await connection.execute(FIND, [id])
    (value,) = await cursor.fetchone()
    return value
# ANCHOR_END: psycopg


# ANCHOR: sqlalchemy
ITEMS = Table(
    "items",
    MetaData(schema="price_of_await"),
    Column("id", BigInteger, primary_key=True),
    Column("value", BigInteger),
)
FIND_ITEM = select(ITEMS.c.value).where(ITEMS.c.id == bindparam("wanted"))


async def by_sqlalchemy(engine: AsyncEngine, ids: list[int]) -> int:
    async with engine.connect() as connection:
        return sum([await find_item(connection, id) for id in ids])


async def find_item(connection: SqlAlchemyConnection, id: int) -> int:
    return await connection.scalar(FIND_ITEM, {"wanted": id})
# ANCHOR_END: sqlalchemy


@asynccontextmanager
async def psycopg(chosen: argparse.Namespace) -> AsyncIterator[Request]:
    async with AsyncConnectionPool(
        chosen.database,
        min_size=chosen.connections,
        max_size=chosen.connections,
        timeout=TIMEOUT,
        # As in threads.py.
        kwargs={
            "autocommit": True,
            "prepare_threshold": 0,
            "options": LIBPQ_OPTIONS,
        },
    ) as pool:
        await pool.wait(TIMEOUT)
        yield lambda ids: by_psycopg(pool, ids)


@asynccontextmanager
async def sqlalchemy(chosen: argparse.Namespace) -> AsyncIterator[Request]:
    url = make_url(chosen.database).set(drivername="postgresql+asyncpg")
    engine = create_async_engine(
        url,
        pool_size=chosen.connections,
        max_overflow=0,
        pool_timeout=TIMEOUT,
        # As in the others: no BEGIN, and no ROLLBACK when it comes back.
        isolation_level="AUTOCOMMIT",
        pool_reset_on_return=None,
        connect_args={
            "timeout": TIMEOUT,
            "server_settings": {"statement_timeout": STATEMENT_TIMEOUT},
        },
    )
    try:
        yield lambda ids: by_sqlalchemy(engine, ids)
    finally:
        await engine.dispose()


HOW = {"psycopg": psycopg, "sqlalchemy": sqlalchemy}


async def run(chosen: argparse.Namespace) -> None:
    async with HOW[chosen.how](chosen) as request:
        # Opens every connection, and prepares the query on it.
        await all_callers(request, chosen, 1)
        done = await all_callers(request, chosen, chosen.requests)
        print_report({"lookups": done}, chosen.queries)


async def all_callers(
    request: Request, chosen: argparse.Namespace, each: int
) -> Phase:
    phase = Phase()
    async with asyncio.TaskGroup() as group:
        for caller in range(chosen.callers):
            numbers = range(caller * each, (caller + 1) * each)
            group.create_task(call(request, phase, numbers, chosen.queries))
    return phase


async def call(
    request: Request, phase: Phase, numbers: range, queries: int
) -> None:
    """One caller: so many requests, one after another."""
    for number in numbers:
        began = time.perf_counter()
        found = await request(request_ids(number, queries))
        phase.add(found, began)


def main() -> None:
    chosen = options(__doc__, HOW)
    with tables(chosen):
        asyncio.run(run(chosen))


if __name__ == "__main__":
    main()
