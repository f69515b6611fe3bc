"""What an item costs that flows through a stream.

A source gives numbers, a stage leaves out the multiples of three and maps
the others, and the consumer adds up. Source and stage are ordinary
generators (`generator`), asynchronous generators (`async-generator`), or
classes with `__anext__` (`class`); or a task of its own sends the numbers
through an asyncio.Queue (`queue`). None but the last ever has to wait. Each
does it twice: item by item, and in chunks. The twin is main.rs.

    python examples/stream-items/main.py
    python examples/stream-items/main.py --how queue --items 200000

Only `queue` ever suspends, so only there the loop has anything to do.
"""

import argparse
import asyncio
import json
import sys
import time
from collections.abc import (
    AsyncIterable,
    AsyncIterator,
    Awaitable,
    Callable,
    Iterable,
    Iterator,
)
from typing import Any, TypeVar

# Bounds what a slip of the finger could take of the time.
MOST_ITEMS = 10_000_000_000
# And what a chunk could take of the memory.
MOST_IN_A_CHUNK = 1_000_000
# How many items, or chunks, the queue holds.
CAPACITY = 100

T = TypeVar("T")
Chunk = list[int]


class Failure(Exception):
    """What was done is not what was asked for."""


def chunks(count: int, size: int) -> Iterator[Chunk]:
    for first in range(0, count, size):
        yield list(range(first, min(first + size, count)))


# ANCHOR: generator
def numbers(items: Iterable[T]) -> Iterator[T]:
    for item in items:
        yield item


def kept(source: Iterable[int]) -> Iterator[int]:
    for number in source:
        if number % 3 != 0:
            yield number % 1000


def total(stream: Iterable[int]) -> int:
    result = 0
    for number in stream:
        result += number
    return result
# ANCHOR_END: generator


def kept_chunks(source: Iterable[Chunk]) -> Iterator[Chunk]:
    for chunk in source:
        yield [number % 1000 for number in chunk if number % 3 != 0]


# ANCHOR: stream
async def async_numbers(items: Iterable[T]) -> AsyncIterator[T]:
    for item in items:
        yield item


async def async_kept(source: AsyncIterable[int]) -> AsyncIterator[int]:
    async for number in source:
        if number % 3 != 0:
            yield number % 1000
# ANCHOR_END: stream


# ANCHOR: consume
async def async_total(stream: AsyncIterable[int]) -> int:
    result = 0
    async for number in stream:
        result += number
    return result
# ANCHOR_END: consume


# ANCHOR: chunked
async def async_kept_chunks(
    source: AsyncIterable[Chunk],
) -> AsyncIterator[Chunk]:
    async for chunk in source:
        yield [number % 1000 for number in chunk if number % 3 != 0]


async def async_total_of_chunks(stream: AsyncIterable[Chunk]) -> int:
    result = 0
    async for chunk in stream:
        result += sum(chunk)
    return result
# ANCHOR_END: chunked


# ANCHOR: by_hand
class Numbers(AsyncIterator[T]):
    def __init__(self, items: Iterable[T]) -> None:
        self._items = iter(items)

    async def __anext__(self) -> T:
        for item in self._items:
            return item
        raise StopAsyncIteration
# ANCHOR_END: by_hand


class Kept(AsyncIterator[int]):
    def __init__(self, source: AsyncIterator[int]) -> None:
        self._source = source

    async def __anext__(self) -> int:
        async for number in self._source:
            if number % 3 != 0:
                return number % 1000
        raise StopAsyncIteration


class KeptChunks(AsyncIterator[Chunk]):
    def __init__(self, source: AsyncIterator[Chunk]) -> None:
        self._source = source

    async def __anext__(self) -> Chunk:
        async for chunk in self._source:
            return [number % 1000 for number in chunk if number % 3 != 0]
        raise StopAsyncIteration


# ANCHOR: channel
async def send(items: Iterable[T], queue: asyncio.Queue[T | None]) -> None:
    for item in items:
        await queue.put(item)
    await queue.put(None)  # there are no more


async def received(queue: asyncio.Queue[T | None]) -> AsyncIterator[T]:
    while (item := await queue.get()) is not None:
        yield item


async def total_through_queue(items: Iterable[int]) -> int:
    queue: asyncio.Queue[int | None] = asyncio.Queue(CAPACITY)
    async with asyncio.TaskGroup() as group:
        sending = group.create_task(send(items, queue))
        result = await async_total(async_kept(received(queue)))
        sending.cancel()  # a consumer might leave before the end
    return result
# ANCHOR_END: channel


async def total_of_chunks_through_queue(items: Iterable[Chunk]) -> int:
    queue: asyncio.Queue[Chunk | None] = asyncio.Queue(CAPACITY)
    async with asyncio.TaskGroup() as group:
        sending = group.create_task(send(items, queue))
        stream = async_kept_chunks(received(queue))
        result = await async_total_of_chunks(stream)
        sending.cancel()
    return result


async def by_generator(count: int) -> int:
    return total(kept(numbers(range(count))))


async def by_generator_chunked(count: int, size: int) -> int:
    return sum(map(sum, kept_chunks(numbers(chunks(count, size)))))


async def by_async_generator(count: int) -> int:
    return await async_total(async_kept(async_numbers(range(count))))


async def by_async_generator_chunked(count: int, size: int) -> int:
    stream = async_kept_chunks(async_numbers(chunks(count, size)))
    return await async_total_of_chunks(stream)


async def by_class(count: int) -> int:
    return await async_total(Kept(Numbers(range(count))))


async def by_class_chunked(count: int, size: int) -> int:
    stream = KeptChunks(Numbers(chunks(count, size)))
    return await async_total_of_chunks(stream)


async def by_queue(count: int) -> int:
    return await total_through_queue(range(count))


async def by_queue_chunked(count: int, size: int) -> int:
    return await total_of_chunks_through_queue(chunks(count, size))


Single = Callable[[int], Awaitable[int]]
Chunked = Callable[[int, int], Awaitable[int]]

HOW: dict[str, tuple[Single, Chunked]] = {
    "generator": (by_generator, by_generator_chunked),
    "async-generator": (by_async_generator, by_async_generator_chunked),
    "class": (by_class, by_class_chunked),
    "queue": (by_queue, by_queue_chunked),
}


def expected(count: int) -> int:
    """The same sum without a stream: it repeats itself every 3000 items."""

    def of(numbers: range) -> int:
        return sum(n % 1000 for n in numbers if n % 3 != 0)

    whole, rest = divmod(count, 3000)
    return whole * of(range(3000)) + of(range(rest))


async def measured(
    computing: Awaitable[int], count: int
) -> dict[str, float | int]:
    wall, cpu = time.perf_counter(), time.process_time()
    got = await computing
    seconds = time.perf_counter() - wall
    cpu_seconds = time.process_time() - cpu
    if got != (right := expected(count)):
        raise Failure(f"the items sum to {got}, not to {right}")
    return {"seconds": seconds, "cpu_seconds": cpu_seconds, "work": count}


async def run(how: str, count: int, size: int) -> dict[str, Any]:
    single, chunked = HOW[how]
    return {
        "result": {"items": count, "sum": expected(count)},
        "phases": {
            "items": await measured(single(count), count),
            "chunks": await measured(chunked(count, size), count),
        },
    }


def at_most(most: int) -> Callable[[str], int]:
    def count(text: str) -> int:
        digits = text.isascii() and text.isdigit()
        if not digits or not 1 <= int(text) <= most:
            raise argparse.ArgumentTypeError(
                f"{text!r} is not a whole number from 1 to {most}"
            )
        return int(text)

    return count


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--how",
        choices=HOW,
        default="async-generator",
        help="what the items flow through (default: %(default)s)",
    )
    parser.add_argument(
        "--items",
        type=at_most(MOST_ITEMS),
        default=50_000,
        metavar="N",
        help="how many (default: %(default)s)",
    )
    parser.add_argument(
        "--chunk",
        type=at_most(MOST_IN_A_CHUNK),
        default=100,
        metavar="N",
        help="how many items make a chunk (default: %(default)s)",
    )
    options = parser.parse_args()
    try:
        report = asyncio.run(
            run(options.how, options.items, options.chunk)
        )
    except Failure as error:
        sys.exit(str(error))
    print(json.dumps(report))


if __name__ == "__main__":
    main()
