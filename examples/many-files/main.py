"""Reads many small files and a few large ones, in four ways.

The files are written to a temporary folder first, so that they are in the
page cache when they are read: nothing waits for a disk. From each the sum
takes the length and both ends. main.rs is the twin.

    python examples/many-files/main.py
    python examples/many-files/main.py --how aiofiles --at-once 4
"""

import argparse
import asyncio
import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import aiofiles

MIB = 2**20
# What a pass found, and the phase.
Timed = tuple[int, dict[str, Any]]


class Failure(Exception):
    """What was read is not what was written."""


# ANCHOR: read
def read(path: Path) -> bytes:
    with open(path, "rb") as file:
        return file.read()


def digest(content: bytes) -> int:
    """The length and both ends: proves that all of it came."""
    first = int.from_bytes(content[:8], "little")
    last = int.from_bytes(content[-8:], "little")
    return len(content) + first + last


def one_by_one(paths: Sequence[Path]) -> int:
    return sum(digest(read(path)) for path in paths)
# ANCHOR_END: read


# ANCHOR: pool
async def each_in_pool(paths: Sequence[Path], at_once: int) -> int:
    async def worker() -> int:
        total = 0
        for path in left:
            total += digest(await asyncio.to_thread(read, path))
        return total

    left = iter(paths)
    return sum(await asyncio.gather(*(worker() for _ in range(at_once))))


async def all_in_pool(paths: Sequence[Path]) -> int:
    return await asyncio.to_thread(one_by_one, paths)
# ANCHOR_END: pool


# ANCHOR: aiofiles
async def each_by_aiofiles(paths: Sequence[Path], at_once: int) -> int:
    async def worker() -> int:
        total = 0
        for path in left:
            async with aiofiles.open(path, "rb") as file:
                total += digest(await file.read())
        return total

    left = iter(paths)
    return sum(await asyncio.gather(*(worker() for _ in range(at_once))))
# ANCHOR_END: aiofiles


def prepared(folder: Path, count: int, size: int) -> list[Path]:
    """Writes files that hold their number, over and over."""
    folder.mkdir()
    paths = [folder / f"{number:06}" for number in range(count)]
    for number, path in enumerate(paths):
        path.write_bytes(number.to_bytes(8, "little") * (size // 8))
    return paths


def expected(count: int, size: int) -> int:
    return count * size + count * (count - 1)


def timed(passes: int, work: int, once: Callable[[], int]) -> Timed:
    """Reads everything that often; `work` is that of one pass."""
    found = once()  # starts the threads, and shows the files to the cache
    wall, cpu = time.perf_counter(), time.process_time()
    for _ in range(passes):
        if (again := once()) != found:
            raise Failure(f"the sum was {found}, and then {again}")
    return found, {
        "seconds": time.perf_counter() - wall,
        "cpu_seconds": time.process_time() - cpu,
        "work": passes * work,
    }


@contextmanager
def reader(how: str, at_once: int) -> Iterator[Callable[..., int]]:
    """One pass over the files, in the way that was asked for."""
    if how == "loop":
        yield one_by_one
        return
    with asyncio.Runner() as runner:
        # As many threads as there are reads at once: the default depends on
        # the number of cores.
        pool = ThreadPoolExecutor(max_workers=at_once)
        runner.get_loop().set_default_executor(pool)
        match how:
            case "to-thread":
                yield lambda paths: runner.run(each_in_pool(paths, at_once))
            case "one-hop":
                yield lambda paths: runner.run(all_in_pool(paths))
            case "aiofiles":
                yield lambda paths: runner.run(
                    each_by_aiofiles(paths, at_once)
                )


def measured(options: argparse.Namespace) -> dict[str, Any]:
    large_size = options.large_mib * MIB
    with (
        tempfile.TemporaryDirectory(prefix="many-files-") as name,
        reader(options.how, options.at_once) as pass_over,
    ):
        folder = Path(name)
        many = prepared(
            folder / "small", options.small_files, options.small_size
        )
        few = prepared(folder / "large", options.large_files, large_size)
        small, small_phase = timed(
            options.small_passes, len(many), lambda: pass_over(many)
        )
        large, large_phase = timed(
            options.large_passes,
            len(few) * options.large_mib,
            lambda: pass_over(few),
        )
    for found, count, size in (
        (small, options.small_files, options.small_size),
        (large, options.large_files, large_size),
    ):
        if found != (right := expected(count, size)):
            raise Failure(f"the files sum to {found}, not to {right}")
    return {
        "result": {"small": small, "large": large},
        "phases": {"small": small_phase, "large": large_phase},
    }


def whole(most: int, least: int = 1) -> Callable[[str], int]:
    def parse(text: str) -> int:
        digits = text.isascii() and text.isdigit()
        if not digits or not least <= int(text) <= most:
            raise argparse.ArgumentTypeError(
                f"{text!r} is not a whole number from {least} to {most}"
            )
        return int(text)

    return parse


def size(text: str) -> int:
    value = whole(MIB, least=16)(text)
    if value % 8:
        raise argparse.ArgumentTypeError(f"{text!r} is not a multiple of 8")
    return value


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--how",
        choices=["loop", "to-thread", "one-hop", "aiofiles"],
        default="to-thread",
        help="how to read them (default: %(default)s)",
    )
    for name, kind, default, what in (
        ("at-once", whole(1000), 16, "files read at once, and threads"),
        ("small-files", whole(100_000), 500, "number of small files"),
        ("small-size", size, 4096, "bytes of each, a multiple of 8"),
        ("small-passes", whole(1000), 2, "how often all are read"),
        ("large-files", whole(100), 2, "number of large files"),
        ("large-mib", whole(1024), 4, "MiB of each"),
        ("large-passes", whole(1000), 2, "how often all are read"),
    ):
        parser.add_argument(
            f"--{name}",
            type=kind,
            default=default,
            metavar="N",
            help=f"{what} (default: %(default)s)",
        )
    try:
        report = measured(parser.parse_args())
    except (Failure, OSError) as error:
        sys.exit(str(error))
    print(json.dumps(report))


if __name__ == "__main__":
    main()
