"""GETs from Redis by redis.asyncio: in turn, in pipelines, and at once.

The twin is main.rs; threads.py does the same by redis-py's blocking half.
Needs a Redis server, where it sets keys of its own and deletes them again.

    python examples/redis-gets/main.py --redis redis://127.0.0.1:6379/0
"""

import argparse
import asyncio

from gets import TIMEOUT, VALUES, Phases, key, options, split
from redis.asyncio import BlockingConnectionPool, Redis


# ANCHOR: in-turn
async def in_turn(redis: Redis, numbers: range) -> list[bytes]:
    return [await redis.get(key(number)) for number in numbers]
# ANCHOR_END: in-turn


# ANCHOR: pipeline
async def pipelined(redis: Redis, numbers: range, batch: int) -> list[bytes]:
    values = []
    for start in range(0, len(numbers), batch):
        async with redis.pipeline(transaction=False) as pipeline:
            for number in numbers[start : start + batch]:
                pipeline.get(key(number))
            values += await pipeline.execute()
    return values
# ANCHOR_END: pipeline


# ANCHOR: at-once
async def at_once(redis: Redis, numbers: list[range]) -> list[bytes]:
    async with asyncio.TaskGroup() as group:
        asking = [group.create_task(in_turn(redis, part)) for part in numbers]
    return [value for task in asking for value in task.result()]
# ANCHOR_END: at-once


async def run(chosen: argparse.Namespace) -> None:
    pool = BlockingConnectionPool.from_url(
        chosen.redis,
        max_connections=chosen.callers,
        timeout=TIMEOUT,
        socket_timeout=TIMEOUT,
    )
    async with Redis.from_pool(pool) as redis:
        await redis.mset(VALUES)
        await measured(redis, chosen)
        await redis.delete(*VALUES)


async def measured(redis: Redis, chosen: argparse.Namespace) -> None:
    numbers = range(chosen.gets)
    parts = split(chosen.gets, chosen.callers)
    # Opens every connection.
    await at_once(redis, [range(1)] * chosen.callers)
    phases = Phases()

    phases.start()
    values = await in_turn(redis, numbers)
    phases.stop("in_turn", chosen.gets, values)

    phases.start()
    values = await pipelined(redis, numbers, chosen.batch)
    phases.stop("pipeline", chosen.gets, values)

    phases.start()
    values = await at_once(redis, parts)
    phases.stop("at_once", chosen.gets, values)
    phases.print()


if __name__ == "__main__":
    asyncio.run(run(options(__doc__)))
