"""Cancels a small job at every await in turn, and counts what it leaves.

The job is a transfer: take a permit, open a log, write the debit, write the
credit, close the log. It has four awaits that suspend, and is cancelled at
each of them. It is written without a thought of cancellation (`naive`), with
an owner for all that it must not leave (`with`), and as the latter behind
`asyncio.shield` (`shield`). The twin is main.rs.

    python examples/cancel-everywhere/main.py
    python examples/cancel-everywhere/main.py --how naive
    python examples/cancel-everywhere/main.py --how with --loop uvloop

Four phases: each await once (`once`); the same, and cancelled again one turn
later (`twice`); many jobs cancelled (`cancelled`), each await as often as
the others; and as many that are left to end (`finished`). Nothing depends on
time, so the counts are the same in each run.
"""

import argparse
import asyncio
import json
import sys
import time
from asyncio import AbstractEventLoop
from collections.abc import Callable, Coroutine
from typing import Any

# The awaits of a job that suspend: open, debit, credit, close.
WAITS = 4
# Bounds what a slip of the finger could take of the time.
MOST_JOBS = 1_000_000_000


class Failure(Exception):
    """What was done is not what was asked for."""


class Bank:
    """What jobs share, and where one reads what they left."""

    def __init__(self, permits: int) -> None:
        self.slots = asyncio.Semaphore(permits)
        self.waits = 0  # of the job under way
        self.active = 0  # a gauge, as services have them
        self.opened = self.sealed = self.closed = 0  # logs
        self.debits = self.credits = 0
        self.finished = 0

    async def permits_left(self) -> int:
        """Takes all permits that are there."""
        left = 0
        while not self.slots.locked():
            await self.slots.acquire()  # one is free: does not suspend
            left += 1
        return left


# ANCHOR: log
async def io(bank: Bank) -> None:
    """Stands for any I/O: suspends once."""
    bank.waits += 1
    await asyncio.sleep(0)


class Log:
    def __init__(self, bank: Bank) -> None:
        self.bank = bank
        self.half_done = False

    async def open(self) -> None:
        await io(self.bank)
        self.bank.opened += 1

    async def debit(self) -> None:
        await io(self.bank)
        self.bank.debits += 1
        self.half_done = True

    async def credit(self) -> None:
        await io(self.bank)
        self.bank.credits += 1
        self.half_done = False

    def undo(self) -> None:
        if self.half_done:
            self.bank.debits -= 1

    async def close(self) -> None:
        try:
            await io(self.bank)  # the last line, which seals the log
            self.bank.sealed += 1
        finally:
            self.bank.closed += 1
# ANCHOR_END: log


# ANCHOR: naive
async def naive(bank: Bank) -> None:
    bank.active += 1
    async with bank.slots:
        log = Log(bank)
        await log.open()
        await log.debit()
        await log.credit()
        await log.close()
    bank.active -= 1
    bank.finished += 1
# ANCHOR_END: naive


# ANCHOR: transaction
class Transaction:
    """A log that is open in a `with` block, and undoes what is half done."""

    def __init__(self, bank: Bank) -> None:
        self.log = Log(bank)

    async def __aenter__(self) -> Log:
        await self.log.open()
        return self.log

    async def __aexit__(self, *_: object) -> None:
        self.log.undo()
        await self.log.close()
# ANCHOR_END: transaction


# ANCHOR: careful
async def careful(bank: Bank) -> None:
    bank.active += 1
    try:
        async with bank.slots, Transaction(bank) as log:
            await log.debit()
            await log.credit()
    finally:
        bank.active -= 1
    bank.finished += 1
# ANCHOR_END: careful


# ANCHOR: shielded
running: set[asyncio.Task[None]] = set()


async def shielded(bank: Bank) -> None:
    task = asyncio.create_task(careful(bank))
    running.add(task)  # or nobody would hold it once we are cancelled
    task.add_done_callback(running.discard)
    await asyncio.shield(task)
# ANCHOR_END: shielded


Job = Callable[[Bank], Coroutine[Any, Any, None]]

HOW: dict[str, Job] = {
    "naive": naive,
    "with": careful,
    "shield": shielded,
}


# ANCHOR: cancelled_at
async def standing_at(
    wait: int, job: Job, bank: Bank
) -> asyncio.Task[None]:
    bank.waits = 0
    task = asyncio.create_task(job(bank))
    while bank.waits < wait:
        await asyncio.sleep(0)  # one turn of the loop
    return task


async def cancelled_at(
    wait: int, job: Job, bank: Bank, again: bool = False
) -> None:
    task = await standing_at(wait, job, bank)
    task.cancel()
    if again:
        await asyncio.sleep(0)
        task.cancel()
    try:
        await task
    except asyncio.CancelledError:
        if not task.cancelled():
            raise  # it was we who were cancelled
    else:
        raise Failure(f"await {wait}: the job was not cancelled")
    while running:  # what a shield has kept
        await asyncio.wait(running)
# ANCHOR_END: cancelled_at


async def each_await(job: Job, again: bool) -> dict[str, Any]:
    """Cancels at each await once, and counts."""
    bank = Bank(WAITS)
    wall, cpu = time.perf_counter(), time.process_time()
    waits = 0
    for wait in range(1, WAITS + 1):
        await cancelled_at(wait, job, bank, again)
        waits += bank.waits
    phase = {
        "seconds": time.perf_counter() - wall,
        "cpu_seconds": time.process_time() - cpu,
        "work": WAITS,
    }
    counts = {
        "active": bank.active,
        "permits": WAITS - await bank.permits_left(),
        "open": bank.opened - bank.closed,
        "unsealed": bank.opened - bank.sealed,
        "half": bank.debits - bank.credits,
        "ran_on": bank.finished,
        "waits": waits,
    }
    return phase | {"counts": counts}


async def cancelled(job: Job, rounds: int) -> dict[str, Any]:
    bank = Bank(1)
    wall, cpu = time.perf_counter(), time.process_time()
    for _ in range(rounds):
        for wait in range(1, WAITS + 1):
            await cancelled_at(wait, job, bank)
    return {
        "seconds": time.perf_counter() - wall,
        "cpu_seconds": time.process_time() - cpu,
        "work": rounds * WAITS,
    }


async def finished(job: Job, rounds: int) -> dict[str, Any]:
    bank = Bank(1)
    jobs = rounds * WAITS
    wall, cpu = time.perf_counter(), time.process_time()
    for _ in range(jobs):
        # Driven like those that are cancelled, up to the last wait.
        await (await standing_at(WAITS, job, bank))
    phase = {
        "seconds": time.perf_counter() - wall,
        "cpu_seconds": time.process_time() - cpu,
        "work": jobs,
    }
    done = (bank.finished, bank.debits, bank.credits, bank.sealed)
    if done != (jobs,) * 4 or bank.active or await bank.permits_left() != 1:
        raise Failure(f"{jobs} jobs, but finished, written, sealed: {done}")
    return phase


async def run(how: str, rounds: int) -> dict[str, Any]:
    job = HOW[how]
    phases = {
        "once": await each_await(job, again=False),
        "twice": await each_await(job, again=True),
        "cancelled": await cancelled(job, rounds),
        "finished": await finished(job, rounds),
    }
    return {"result": {"awaits": WAITS, "rounds": rounds}, "phases": phases}


def loop_factory(name: str) -> Callable[[], AbstractEventLoop] | None:
    if name == "asyncio":
        return None
    try:
        import uvloop
    except ImportError as error:
        sys.exit(f"--loop uvloop: {error} (see requirements.txt)")
    return uvloop.new_event_loop


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
        default="with",
        help="how the job is written (default: %(default)s)",
    )
    parser.add_argument(
        "--rounds",
        type=at_most(MOST_JOBS // WAITS),
        default=1000,
        metavar="N",
        help=f"each of {WAITS} jobs (default: %(default)s)",
    )
    parser.add_argument(
        "--loop",
        choices=("asyncio", "uvloop"),
        default="asyncio",
        help="the event loop (default: %(default)s)",
    )
    options = parser.parse_args()
    factory = loop_factory(options.loop)
    try:
        with asyncio.Runner(loop_factory=factory) as runner:
            report = runner.run(run(options.how, options.rounds))
    except Failure as error:
        sys.exit(str(error))
    print(json.dumps(report))


if __name__ == "__main__":
    main()
