"""GETs from Redis by redis-py, blocking: in turn, in pipelines, on threads.

The twins are main.py and main.rs. Needs a Redis server, where it sets keys
of its own and deletes them again.

    python examples/redis-gets/threads.py --redis redis://127.0.0.1:6379/0
"""

import argparse
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from gets import TIMEOUT, VALUES, Phases, key, options, split
from redis import BlockingConnectionPool, Redis


# ANCHOR: in-turn
def in_turn(redis: Redis, numbers: range) -> list[bytes]:
    return [redis.get(key(number)) for number in numbers]
# ANCHOR_END: in-turn


# ANCHOR: pipeline
def pipelined(redis: Redis, numbers: range, batch: int) -> list[bytes]:
    values = []
    for start in range(0, len(numbers), batch):
        with redis.pipeline(transaction=False) as pipeline:
            for number in numbers[start : start + batch]:
                pipeline.get(key(number))
            values += pipeline.execute()
    return values
# ANCHOR_END: pipeline


# ANCHOR: at-once
def at_once(
    redis: Redis, threads: ThreadPoolExecutor, numbers: list[range]
) -> list[bytes]:
    parts = threads.map(partial(in_turn, redis), numbers)
    return [value for part in parts for value in part]
# ANCHOR_END: at-once


def run(chosen: argparse.Namespace) -> None:
    pool = BlockingConnectionPool.from_url(
        chosen.redis,
        max_connections=chosen.callers,
        timeout=TIMEOUT,
        socket_timeout=TIMEOUT,
    )
    with (
        Redis.from_pool(pool) as redis,
        ThreadPoolExecutor(chosen.callers) as threads,
    ):
        redis.mset(VALUES)
        measured(redis, threads, chosen)
        redis.delete(*VALUES)


def measured(
    redis: Redis, threads: ThreadPoolExecutor, chosen: argparse.Namespace
) -> None:
    numbers = range(chosen.gets)
    parts = split(chosen.gets, chosen.callers)
    # Opens connections, and starts the threads.
    at_once(redis, threads, [range(1)] * chosen.callers)
    phases = Phases()

    phases.start()
    values = in_turn(redis, numbers)
    phases.stop("in_turn", chosen.gets, values)

    phases.start()
    values = pipelined(redis, numbers, chosen.batch)
    phases.stop("pipeline", chosen.gets, values)

    phases.start()
    values = at_once(redis, threads, parts)
    phases.stop("at_once", chosen.gets, values)
    phases.print()


if __name__ == "__main__":
    run(options(__doc__))
