"""What a task costs on trio, and on anyio over asyncio.

Many tasks that do nothing but add their number are started in a nursery,
which ends when they have. asyncio's own is ../spawn-tasks/main.py; main.rs
has the runtimes of Rust.

    python examples/spawn-runtimes/main.py
    python examples/spawn-runtimes/main.py --on anyio-asyncio

The tasks come in batches, each of which has ended before the next one is
started: so memory is not the subject.
"""

import argparse
import json
import time

import anyio
import trio


# ANCHOR: sum
async def on_trio(count: int, batch: int) -> int:
    total = 0

    async def add(index: int) -> None:
        nonlocal total
        total += index

    for first in range(0, count, batch):
        async with trio.open_nursery() as nursery:
            for index in range(first, min(first + batch, count)):
                # A task has no result to ask for: it leaves it somewhere.
                nursery.start_soon(add, index)
    return total


async def on_anyio(count: int, batch: int) -> int:
    total = 0

    async def add(index: int) -> None:
        nonlocal total
        total += index

    for first in range(0, count, batch):
        async with anyio.create_task_group() as group:
            for index in range(first, min(first + batch, count)):
                group.start_soon(add, index)
    return total
# ANCHOR_END: sum


async def measured(on: str, count: int, batch: int) -> dict[str, object]:
    work = on_trio if on == "trio" else on_anyio
    wall, cpu = time.perf_counter(), time.process_time()
    total = await work(count, batch)
    phase = {
        "seconds": time.perf_counter() - wall,
        "cpu_seconds": time.process_time() - cpu,
        "work": count,
    }
    assert total == count * (count - 1) // 2
    return {
        "result": {"tasks": count, "sum": total},
        "phases": {"tasks": phase},
    }


def positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError("expected a number from 1 on")
    return value


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--on",
        choices=("trio", "anyio-asyncio"),
        default="trio",
        help="the library (default: %(default)s)",
    )
    parser.add_argument(
        "--tasks",
        type=positive,
        default=5000,
        metavar="N",
        help="how many in all (default: %(default)s)",
    )
    parser.add_argument(
        "--batch",
        type=positive,
        default=1000,
        metavar="N",
        help="how many at once (default: %(default)s)",
    )
    options = parser.parse_args()
    backend = "trio" if options.on == "trio" else "asyncio"
    report = anyio.run(
        measured, options.on, options.tasks, options.batch, backend=backend
    )
    print(json.dumps(report))


if __name__ == "__main__":
    main()
