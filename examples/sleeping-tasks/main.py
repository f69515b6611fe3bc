"""Many tasks asleep at once: what each of them holds in memory.

Every task says that it has started, adding its index to a sum, and then
sleeps for an hour. When all are asleep the program reads its memory, then
cancels them and waits until they have ended. The twin is main.rs.

    python examples/sleeping-tasks/main.py
    python examples/sleeping-tasks/main.py --tasks 1000000 --loop uvloop

A sleeping task is several objects here: the Task with its Context, one
coroutine for sleeper() and one for asyncio.sleep(), the Future that this
awaits, and the timer that will complete it, in the loop's heap. All of them
together are what is counted. The tasks are kept in a list, as in main.rs:
it costs each a pointer. The garbage collector is left as it is: while the
tasks are made it runs, more than once, over those already there, and its
time is in the phase.
"""

import argparse
import asyncio
import json
import sys
import time
from asyncio import AbstractEventLoop, Task
from collections.abc import Callable
from typing import Any

HOUR = 3600.0
# In asyncio's tasks, more than ten gigabytes.
MOST_TASKS = 10_000_000


class Failure(Exception):
    """What was done is not what was asked for."""


# ANCHOR: roll_call
class RollCall:
    """Knows when all have answered, and what their indexes sum to."""

    def __init__(self, count: int) -> None:
        self.missing = count
        self.sum = 0
        self.complete = asyncio.Event()

    def answer(self, index: int) -> None:
        # No lock: between two awaits nobody else runs.
        self.sum += index
        self.missing -= 1
        if self.missing == 0:
            self.complete.set()
# ANCHOR_END: roll_call


# ANCHOR: sleeper
async def sleeper(index: int, roll_call: RollCall) -> None:
    roll_call.answer(index)
    await asyncio.sleep(HOUR)
# ANCHOR_END: sleeper


# ANCHOR: spawn
async def spawn(count: int) -> tuple[list[Task[None]], int]:
    roll_call = RollCall(count)
    tasks = [
        asyncio.create_task(sleeper(index, roll_call))
        for index in range(count)
    ]
    # None of them has run yet: this lets them. The last one to answer is
    # asleep as well before we go on.
    await roll_call.complete.wait()
    return tasks, roll_call.sum
# ANCHOR_END: spawn


# ANCHOR: end
async def end(tasks: list[Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    # Only now do they see it: each is woken by a CancelledError.
    await asyncio.wait(tasks)
    if not all(task.cancelled() for task in tasks):
        raise Failure("a task ended before it was cancelled")
    # Frees them within the phase, as main.rs does.
    tasks.clear()
# ANCHOR_END: end


# ANCHOR: memory
def memory_bytes() -> int:
    """What is resident now, not at the peak.

    The peak has in it what was needed only to get here, such as the queue
    of tasks that had not started yet.
    """
    with open("/proc/self/status", encoding="ascii") as status:
        for line in status:
            match line.split():
                case ["VmRSS:", kibibytes, "kB"]:
                    return int(kibibytes) * 1024
    raise Failure("/proc/self/status has no VmRSS in kB")
# ANCHOR_END: memory


class Phase:
    """Measures from its construction until it is stopped."""

    def __init__(self) -> None:
        self._wall = time.perf_counter()
        self._cpu = time.process_time()

    def stop(self, work: int) -> dict[str, Any]:
        seconds = time.perf_counter() - self._wall
        cpu_seconds = time.process_time() - self._cpu
        return {"seconds": seconds, "cpu_seconds": cpu_seconds, "work": work}


async def run(count: int) -> dict[str, Any]:
    spawning = Phase()
    tasks, total = await spawn(count)
    spawned = spawning.stop(count)
    spawned["memory_bytes"] = memory_bytes()

    ending = Phase()
    await end(tasks)
    ended = ending.stop(count)

    if total != (expected := count * (count - 1) // 2):
        raise Failure(f"the indexes sum to {total}, not to {expected}")
    return {
        "result": {"tasks": count, "sum": total},
        "phases": {"spawn": spawned, "end": ended},
    }


def loop_factory(name: str) -> Callable[[], AbstractEventLoop] | None:
    if name == "asyncio":
        return None
    try:
        import uvloop
    except ImportError as error:
        sys.exit(f"--loop uvloop: {error} (see requirements.txt)")
    return uvloop.new_event_loop


def task_count(text: str) -> int:
    digits = text.isascii() and text.isdigit()
    if not digits or not 1 <= int(text) <= MOST_TASKS:
        raise argparse.ArgumentTypeError(
            f"{text!r} is not a whole number from 1 to {MOST_TASKS}"
        )
    return int(text)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--tasks",
        type=task_count,
        default=10_000,
        metavar="N",
        help="how many tasks sleep at once (default: %(default)s)",
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
            report = runner.run(run(options.tasks))
    except (Failure, OSError) as error:
        # An OSError: /proc is Linux's.
        sys.exit(str(error))
    print(json.dumps(report))


if __name__ == "__main__":
    main()
