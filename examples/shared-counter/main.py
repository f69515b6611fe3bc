"""Many asyncio tasks count on one counter: what does each way cost?

Each way counts twice: first with nothing to wait for between reading the
counter and writing it, then with an await. The twin is main.rs; threads.py
does the same with threads.

    python examples/shared-counter/main.py
    python examples/shared-counter/main.py --how actor
    python examples/shared-counter/main.py --loop uvloop
"""

import argparse
import asyncio
import json
import sys
import time
from asyncio import AbstractEventLoop, Future, Lock, Queue
from collections.abc import Awaitable, Callable
from typing import Any


class Failure(Exception):
    """What was done is not what was asked for."""


class Counter:
    def __init__(self) -> None:
        self.total = 0
        self.lock = Lock()


# ANCHOR: bare
async def add_bare(counter: Counter, adds: int) -> None:
    for _ in range(adds):
        counter.total += 1
# ANCHOR_END: bare


# ANCHOR: outside
async def await_then_add(counter: Counter, adds: int) -> None:
    for _ in range(adds):
        await asyncio.sleep(0)
        counter.total += 1
# ANCHOR_END: outside


# ANCHOR: lock
async def add_locked(counter: Counter, adds: int) -> None:
    for _ in range(adds):
        async with counter.lock:
            counter.total += 1
# ANCHOR_END: lock


# ANCHOR: across
async def await_locked(counter: Counter, adds: int) -> None:
    for _ in range(adds):
        async with counter.lock:
            seen = counter.total
            await asyncio.sleep(0)
            counter.total = seen + 1
# ANCHOR_END: across


# ANCHOR: actor
Inbox = Queue[Future[int]]


async def own(counter: Counter, inbox: Inbox, waits: bool) -> None:
    while True:
        reply = await inbox.get()
        seen = counter.total
        if waits:
            await asyncio.sleep(0)
        counter.total = seen + 1
        if not reply.done():  # whoever asked may have been cancelled
            reply.set_result(counter.total)


async def ask(inbox: Inbox, adds: int) -> None:
    loop = asyncio.get_running_loop()
    for _ in range(adds):
        reply: Future[int] = loop.create_future()
        await inbox.put(reply)
        await reply
# ANCHOR_END: actor


async def by_tasks(
    work: Callable[[Counter, int], Awaitable[None]], tasks: int, adds: int
) -> int:
    counter = Counter()
    async with asyncio.TaskGroup() as group:
        for _ in range(tasks):
            group.create_task(work(counter, adds // tasks))
    return counter.total


async def by_actor(waits: bool, tasks: int, adds: int) -> int:
    counter = Counter()
    inbox: Inbox = Queue(maxsize=64)
    # The owner in a group around them: were it to fail, those who ask would
    # wait for ever.
    async with asyncio.TaskGroup() as outer:
        owner = outer.create_task(own(counter, inbox, waits))
        async with asyncio.TaskGroup() as group:
            for _ in range(tasks):
                group.create_task(ask(inbox, adds // tasks))
        owner.cancel()
    return counter.total


async def timed(counting: Awaitable[int], adds: int) -> dict[str, float]:
    wall, cpu = time.perf_counter(), time.process_time()
    total = await counting
    phase = {
        "seconds": time.perf_counter() - wall,
        "cpu_seconds": time.process_time() - cpu,
        "work": adds,
    }
    if total != adds:
        raise Failure(f"the counter says {total}, not {adds}")
    return phase


async def measured(options: argparse.Namespace) -> dict[str, Any]:
    tasks, adds, awaits = options.tasks, options.adds, options.awaits
    # So many for each task.
    adds, awaits = adds // tasks * tasks, awaits // tasks * tasks
    match options.how:
        case "bare":
            short = by_tasks(add_bare, tasks, adds)
            waiting = by_tasks(await_then_add, tasks, awaits)
        case "lock":
            short = by_tasks(add_locked, tasks, adds)
            waiting = by_tasks(await_locked, tasks, awaits)
        case _:
            short = by_actor(False, tasks, adds)
            waiting = by_actor(True, tasks, awaits)
    return {
        "phases": {
            "short": await timed(short, adds),
            "waiting": await timed(waiting, awaits),
        },
        "result": {"lost": 0},  # or it would have failed
    }


def loop_factory(name: str) -> Callable[[], AbstractEventLoop] | None:
    if name == "asyncio":
        return None
    try:
        import uvloop
    except ImportError as error:
        sys.exit(f"--loop uvloop: {error} (see requirements.txt)")
    return uvloop.new_event_loop


def whole(text: str) -> int:
    digits = text.isascii() and text.isdigit()
    if not digits or not 1 <= int(text) <= 1_000_000_000:
        raise argparse.ArgumentTypeError(
            f"{text!r} is not a whole number from 1 to 1000000000"
        )
    return int(text)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--how",
        choices=("bare", "lock", "actor"),
        default="lock",
        help="no lock, asyncio.Lock, or a task that owns the counter "
        "(default: %(default)s)",
    )
    for name, default, what in (
        ("tasks", 16, "tasks that count"),
        ("adds", 16_000, "additions of all tasks, without an await"),
        ("awaits", 16_000, "additions of all tasks, with one"),
    ):
        parser.add_argument(
            f"--{name}",
            type=whole,
            default=default,
            metavar="N",
            help=f"{what} (default: %(default)s)",
        )
    parser.add_argument(
        "--loop",
        choices=("asyncio", "uvloop"),
        default="asyncio",
        help="the event loop (default: %(default)s)",
    )
    options = parser.parse_args()
    if min(options.adds, options.awaits) < options.tasks:
        parser.error("--adds and --awaits need one addition for each task")
    try:
        with asyncio.Runner(loop_factory=loop_factory(options.loop)) as runner:
            report = runner.run(measured(options))
    except Failure as error:
        sys.exit(str(error))
    print(json.dumps(report))


if __name__ == "__main__":
    main()
