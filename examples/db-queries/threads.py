"""Requests to PostgreSQL by psycopg 3 or psycopg2, on threads.

Each caller is a thread. A request looks up so many rows, each by a query of
its own: one after another over one connection, down one connection without
waiting for each answer (a pipeline), or at once over a pool. The twins are
main.py and main.rs.

Needs a database in which it may make a schema of its own, `price_of_await`,
and drops it at the end.

    python examples/db-queries/threads.py --queries 40 \\
        --database postgresql://USER@127.0.0.1/NAME
"""

import argparse
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from queue import SimpleQueue

import psycopg2
import psycopg2.extensions
from lookups import (
    LIBPQ_OPTIONS,
    TIMEOUT,
    Phase,
    options,
    phases,
    print_report,
    request_ids,
    tables,
)
from psycopg import Connection
from psycopg_pool import ConnectionPool

FIND = "SELECT value FROM price_of_await.{table} WHERE id = %s"


# ANCHOR: in-turn
def in_turn(pool: ConnectionPool, find: str, ids: list[int]) -> int:
    with pool.connection() as connection:
        return sum([lookup(connection, find, id) for id in ids])


def lookup(connection: Connection, find: str, id: int) -> int:
    (value,) = connection.execute(find, [id]).fetchone()
    return value
# ANCHOR_END: in-turn


# ANCHOR: pipeline
def pipelined(pool: ConnectionPool, find: str, ids: list[int]) -> int:
    with pool.connection() as connection:
        with connection.pipeline():
            cursors = [connection.execute(find, [id]) for id in ids]
        return sum(cursor.fetchone()[0] for cursor in cursors)
# ANCHOR_END: pipeline


# ANCHOR: at-once
def at_once(pool: ConnectionPool, find: str, ids: list[int]) -> int:
    def find_one(id: int) -> int:
        with pool.connection() as connection:
            return lookup(connection, find, id)

    return sum(helpers.map(find_one, ids))
# ANCHOR_END: at-once


class Psycopg2:
    """Connections of psycopg2, each lent to one thread at a time. (Its own
    pool raises an error when it is empty, instead of waiting.)"""

    def __init__(self, url: str, size: int) -> None:
        self.free: SimpleQueue[psycopg2.extensions.connection] = SimpleQueue()
        for _ in range(size):
            connection = psycopg2.connect(
                url, connect_timeout=int(TIMEOUT), options=LIBPQ_OPTIONS
            )
            connection.autocommit = True
            self.free.put(connection)

    def in_turn(self, find: str, ids: list[int]) -> int:
        connection = self.free.get(timeout=TIMEOUT)
        try:
            with connection.cursor() as cursor:
                return sum([self.lookup(cursor, find, id) for id in ids])
        finally:
            self.free.put(connection)

    @staticmethod
    def lookup(cursor: psycopg2.extensions.cursor, find: str, id: int) -> int:
        cursor.execute(find, [id])
        (value,) = cursor.fetchone()
        return value

    def close(self) -> None:
        while not self.free.empty():
            self.free.get().close()


Request = Callable[[str, list[int]], int]

HOW = {"in-turn": in_turn, "pipelined": pipelined, "at-once": at_once}


def measured(request: Request, chosen: argparse.Namespace) -> None:
    def call(phase: Phase, find: str, numbers: range) -> None:
        """One caller: so many requests, one after another."""
        for number in numbers:
            began = time.perf_counter()
            found = request(find, request_ids(number, chosen.queries))
            phase.add(found, began)

    def all_callers(find: str, each: int) -> Phase:
        phase = Phase()
        calling = [
            callers.submit(call, phase, find, range(n * each, (n + 1) * each))
            for n in range(chosen.callers)
        ]
        for called in calling:
            called.result()
        return phase

    done = {}
    with ThreadPoolExecutor(chosen.callers) as callers:
        for name, (table, requests) in phases(chosen).items():
            find = FIND.format(table=table)
            # Starts the threads, and prepares the query on the connections.
            all_callers(find, 1)
            done[name] = all_callers(find, requests)
    print_report(done, chosen.queries)


def run_psycopg(chosen: argparse.Namespace) -> None:
    with ConnectionPool(
        chosen.database,
        min_size=chosen.connections,
        max_size=chosen.connections,
        timeout=TIMEOUT,
        # No BEGIN and COMMIT around what only reads; and the query is
        # prepared the first time, instead of the sixth.
        kwargs={
            "autocommit": True,
            "prepare_threshold": 0,
            "options": LIBPQ_OPTIONS,
        },
    ) as pool:
        pool.wait(TIMEOUT)
        measured(partial(HOW[chosen.how], pool), chosen)


def run_psycopg2(chosen: argparse.Namespace) -> None:
    database = Psycopg2(chosen.database, chosen.connections)
    try:
        measured(database.in_turn, chosen)
    finally:
        database.close()


def main() -> None:
    global helpers
    chosen = options(__doc__, [*HOW, "psycopg2"])
    with tables(chosen):
        if chosen.how == "psycopg2":
            run_psycopg2(chosen)
            return
        with ThreadPoolExecutor(chosen.connections) as helpers:
            run_psycopg(chosen)


if __name__ == "__main__":
    main()
