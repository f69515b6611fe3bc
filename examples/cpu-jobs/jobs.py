"""What the programs of this folder share: the job, and what is measured.

It imports no asyncio, so that sequential.py can do without.
"""

import argparse
import json
import os
import sys
import time
from collections.abc import Callable
from typing import Any

Phases = dict[str, dict[str, Any]]


class Failure(Exception):
    """What was done is not what was asked for."""


# ANCHOR: job
def job(seed: int, steps: int) -> int:
    """A chain in which each step needs the one before it."""
    value = seed
    for _ in range(steps):
        value = (value * 75 + 74) % 65537
    return value
# ANCHOR_END: job


# ANCHOR: family
def family(pid: int) -> list[int]:
    """This process, and whatever descends from it."""
    with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as file:
        children = file.read().split()
    members = [pid]
    for child in children:
        members += family(int(child))
    return members


def cpu_seconds(members: list[int]) -> float:
    # The numbers that Linux gives to the CPU clocks of other processes, as
    # clock_getcpuclockid(3) has them.
    return sum(time.clock_gettime(~pid << 3 | 2) for pid in members)


def memory_bytes(members: list[int]) -> int:
    """The memory of these processes; what they share is counted once."""
    total = 0
    for pid in members:
        with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as lines:
            for line in lines:
                # A page that n processes share counts an n-th in each.
                if line.startswith("Pss:"):
                    total += int(line.split()[1]) * 1024
    return total
# ANCHOR_END: family


class Phase:
    """Measures this process and its workers until it is stopped."""

    def __init__(self) -> None:
        self._cpu = cpu_seconds(family(os.getpid()))
        self._wall = time.perf_counter()

    def stop(self, work: int) -> dict[str, Any]:
        seconds = time.perf_counter() - self._wall
        members = family(os.getpid())
        # The CPU first, since the kernel needs some to sum up the memory.
        cpu = cpu_seconds(members) - self._cpu
        return {
            "seconds": seconds,
            "cpu_seconds": cpu,
            "work": work,
            "counts": {
                "pss_bytes": memory_bytes(members),
                "processes": len(members),
            },
        }


def check(values: list[int], jobs: int, steps: int) -> None:
    """One more than the value is multiplied by 75 in each step."""
    factor = pow(75, steps, 65537)
    expected = [((seed + 1) * factor - 1) % 65537 for seed in range(jobs)]
    if values != expected:
        raise Failure(f"the jobs ended at {values}, not at {expected}")


def whole(most: int, text: str) -> int:
    digits = text.isascii() and text.isdigit()
    if not digits or not 1 <= int(text) <= most:
        raise argparse.ArgumentTypeError(
            f"{text!r} is not a whole number from 1 to {most}"
        )
    return int(text)


def parser(description: str | None) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description=description,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    for name, default, most, what in (
        ("jobs", 8, 65_536, "how many jobs"),
        ("steps", 50_000, 1_000_000_000, "steps of each job"),
    ):
        parser.add_argument(
            f"--{name}",
            type=lambda text, most=most: whole(most, text),
            default=default,
            metavar="N",
            help=f"{what} (default: %(default)s)",
        )
    return parser


def report(
    measured: Callable[[], tuple[list[int], Phases]], jobs: int, steps: int
) -> None:
    """Measures, checks what the jobs gave, and prints the report."""
    try:
        values, phases = measured()
        check(values, jobs, steps)
    except (Failure, OSError) as error:
        # An OSError: /proc is Linux's.
        sys.exit(str(error))
    except KeyboardInterrupt:
        sys.exit(130)
    result = {"steps": steps, "first": values[0]}
    print(json.dumps({"result": result, "phases": phases}))
