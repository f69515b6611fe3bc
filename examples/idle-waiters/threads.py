"""Many threads waiting at once: what each costs to start, keep and end.

Every thread answers the roll call, waits until it is told to go on, adds its
number to a sum and ends. When all have answered the program reads its
memory, then tells them, and waits until they have ended. main.py does the
same with tasks; threads.rs and main.rs are the twins.

    python examples/idle-waiters/threads.py
    python examples/idle-waiters/threads.py --waiters 10000 --stack-kib 64

Where a limit of the system is in the way, the program says which limits
there are.

What the process has is read from /proc, so this needs Linux.
"""

import argparse
import json
import sys
import threading
import time
from threading import Event, Lock, Thread
from typing import Any

# Bounds what a slip of the finger could take of the machine.
MOST_WAITERS = 100_000
# The least that Python accepts, and more than anybody needs.
STACK_KIB = (32, 1 << 20)

MAX_MAP_COUNT = "/proc/sys/vm/max_map_count"
# A stack, its guard page, and CPython's first chunk of Python frames.
MAPPINGS_PER_THREAD = 3


class Failure(Exception):
    """What was done is not what was asked for."""


# ANCHOR: tally
class Tally:
    """Who has arrived, the word to go on, and the sum of the numbers."""

    def __init__(self, count: int) -> None:
        self.lock = Lock()
        self.missing = count
        self.sum = 0
        self.all_here = Event()
        self.go = Event()

    def answer(self) -> None:
        with self.lock:
            self.missing -= 1
            if self.missing == 0:
                self.all_here.set()

    def add(self, number: int) -> None:
        with self.lock:
            self.sum += number
# ANCHOR_END: tally


# ANCHOR: waiter
def waiter(number: int, tally: Tally) -> None:
    tally.answer()
    tally.go.wait()
    tally.add(number)
# ANCHOR_END: waiter


# ANCHOR: start
def start(count: int, tally: Tally) -> list[Thread]:
    threads: list[Thread] = []
    try:
        for number in range(count):
            thread = Thread(target=waiter, args=(number, tally))
            thread.start()
            threads.append(thread)
    except (RuntimeError, MemoryError) as error:
        refused = Failure(refusal(len(threads), count, error))
        # Python would wait for those that did start before it exits.
        end(threads, tally)
        raise refused from error
    # The last to answer may still be on its way to sleep: what it needs for
    # that, it has.
    tally.all_here.wait()
    return threads
# ANCHOR_END: start


# ANCHOR: end
def end(threads: list[Thread], tally: Tally) -> None:
    tally.go.set()
    for thread in threads:
        thread.join()
    threads.clear()
# ANCHOR_END: end


def read_text(path: str) -> str:
    with open(path, encoding="ascii") as file:
        return file.read().strip()


def check_room(count: int) -> None:
    """Refuses what would fail late, with thousands of threads started."""
    room = int(read_text(MAX_MAP_COUNT)) // MAPPINGS_PER_THREAD
    if count >= room:
        raise Failure(
            f"{count} threads need {MAPPINGS_PER_THREAD} memory mappings "
            f"each, which a process may have for fewer than {room} "
            f"({MAX_MAP_COUNT}). Ask for fewer by --waiters, or raise it."
        )


def refusal(started: int, count: int, error: Exception) -> str:
    limits = [
        f"{path} ({read_text(path)})"
        for path in (
            "/proc/sys/kernel/threads-max",
            "/proc/sys/kernel/pid_max",
            MAX_MAP_COUNT,
        )
    ]
    return (
        f"thread {started + 1} of {count} could not be started: {error}\n"
        f"It met a limit: `ulimit -u`, pids.max of the control group, "
        f"{', '.join(limits)}. Ask for fewer by --waiters, or raise it."
    )


# ANCHOR: footprint
def kibibytes(path: str, *names: str) -> list[int]:
    """The values of these lines of a file in /proc, in bytes."""
    with open(path, encoding="ascii") as file:
        lines = dict(line.split(":", 1) for line in file)
    try:
        return [
            int(lines[name].removesuffix("kB\n")) * 1024 for name in names
        ]
    except (KeyError, ValueError) as error:
        raise Failure(f"{path} has no such line in kB: {error}") from None


def kernel_stacks() -> int:
    # Those of the whole machine: Linux has no count for each process.
    [stacks] = kibibytes("/proc/meminfo", "KernelStack")
    return stacks


def footprint(stacks_before: int) -> dict[str, Any]:
    """What the process has now: bytes, and the number of its mappings."""
    # VmRSS and not VmHWM, the peak, which never falls.
    resident, virtual, page_tables = kibibytes(
        "/proc/self/status", "VmRSS", "VmSize", "VmPTE"
    )
    with open("/proc/self/maps", "rb") as maps:
        mappings = sum(1 for _ in maps)
    return {
        "memory_bytes": resident,
        "counts": {
            "virtual_bytes": virtual,
            "page_table_bytes": page_tables,
            "kernel_stack_bytes": max(kernel_stacks() - stacks_before, 0),
            "mappings": mappings,
        },
    }
# ANCHOR_END: footprint


class Phase:
    """Measures from its construction until it is stopped."""

    def __init__(self) -> None:
        self._wall = time.perf_counter()
        self._cpu = time.process_time()

    def stop(self, work: int) -> dict[str, Any]:
        seconds = time.perf_counter() - self._wall
        cpu_seconds = time.process_time() - self._cpu
        return {"seconds": seconds, "cpu_seconds": cpu_seconds, "work": work}


def run(count: int) -> dict[str, Any]:
    check_room(count)
    tally = Tally(count)

    stacks = kernel_stacks()
    starting = Phase()
    threads = start(count, tally)
    started = starting.stop(count) | footprint(stacks)

    ending = Phase()
    end(threads, tally)
    ended = ending.stop(count)

    if tally.sum != (expected := count * (count - 1) // 2):
        raise Failure(f"the numbers sum to {tally.sum}, not to {expected}")
    return {
        "result": {"waiters": count, "sum": tally.sum},
        "phases": {"start": started, "end": ended},
    }


def whole_number(text: str, least: int, most: int) -> int:
    digits = text.isascii() and text.isdigit()
    if not digits or not least <= int(text) <= most:
        raise argparse.ArgumentTypeError(
            f"{text!r} is not a whole number from {least} to {most}"
        )
    return int(text)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--waiters",
        type=lambda text: whole_number(text, 1, MOST_WAITERS),
        default=1000,
        metavar="N",
        help="how many threads wait at once (default: %(default)s)",
    )
    parser.add_argument(
        "--stack-kib",
        type=lambda text: whole_number(text, *STACK_KIB),
        metavar="KIB",
        help="stack reserved for each thread (default: as the system has it)",
    )
    options = parser.parse_args()
    try:
        if options.stack_kib is not None:
            threading.stack_size(options.stack_kib * 1024)
        report = run(options.waiters)
    except (Failure, OSError) as error:
        # An OSError: /proc is Linux's.
        sys.exit(str(error))
    print(json.dumps(report))


if __name__ == "__main__":
    main()
