"""A stream, and a hasher that knows nothing of async: where does it run?

Another process writes --mib mebibytes into a pipe, and this one reads and
hashes them in chunks: in the coroutine that reads, in a thread for each
chunk, or reading and hashing in one thread, blocking. main.rs is the twin.

    python examples/hash-stream/main.py
    python examples/hash-stream/main.py --how per-chunk --mib 64

The other process is dd, which needs /dev/zero.
"""

import argparse
import asyncio
import hashlib
import json
import subprocess
import sys
import time
from asyncio import StreamReader
from typing import IO, Any

CHUNK = 16 * 1024


class Failure(Exception):
    """The stream did not bring what it should."""


# ANCHOR: inline
async def inline(stream: StreamReader) -> str:
    hasher = hashlib.sha256()
    while chunk := await stream.read(CHUNK):
        hasher.update(chunk)
    return hasher.hexdigest()
# ANCHOR_END: inline


# ANCHOR: per_chunk
async def per_chunk(stream: StreamReader) -> str:
    hasher = hashlib.sha256()
    while chunk := await stream.read(CHUNK):
        await asyncio.to_thread(hasher.update, chunk)
    return hasher.hexdigest()
# ANCHOR_END: per_chunk


# ANCHOR: blocking
def blocking(stream: IO[bytes]) -> str:
    hasher = hashlib.sha256()
    while chunk := stream.read(CHUNK):
        hasher.update(chunk)
    return hasher.hexdigest()
# ANCHOR_END: blocking


def feed(mib: int) -> list[str]:
    """A command that writes so many mebibytes."""
    size = ("bs=64K", f"count={16 * mib}")
    return ["dd", "if=/dev/zero", *size, "status=none"]


# ANCHOR: hashed
async def hashed(how: str, mib: int) -> str:
    if how == "blocking":
        with subprocess.Popen(
            feed(mib), stdout=subprocess.PIPE, bufsize=0
        ) as child:
            assert child.stdout is not None
            digest = await asyncio.to_thread(blocking, child.stdout)
        status = child.returncode
    else:
        process = await asyncio.create_subprocess_exec(
            *feed(mib), stdout=subprocess.PIPE
        )
        assert process.stdout is not None
        way = inline if how == "inline" else per_chunk
        digest = await way(process.stdout)
        status = await process.wait()
    if status != 0:
        raise Failure(f"dd ended with status {status}, expected 0")
    return digest
# ANCHOR_END: hashed


async def measured(options: argparse.Namespace) -> dict[str, Any]:
    wall, cpu = time.perf_counter(), time.process_time()
    digest = await hashed(options.how, options.mib)
    phase = {
        "seconds": time.perf_counter() - wall,
        "cpu_seconds": time.process_time() - cpu,
        "work": options.mib,
    }
    expected = hashlib.sha256()
    for _ in range(options.mib if options.check else 0):
        expected.update(bytes(1 << 20))
    if options.check and digest != expected.hexdigest():
        raise Failure(f"the digest is {digest}, not {expected.hexdigest()}")
    return {
        "result": {"mib": options.mib, "sha256": digest},
        "phases": {"hash": phase},
    }


def whole(text: str) -> int:
    digits = text.isascii() and text.isdigit()
    if not digits or not 1 <= int(text) <= 10_000:
        raise argparse.ArgumentTypeError(
            f"{text!r} is not a whole number from 1 to 10000"
        )
    return int(text)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--how",
        choices=("inline", "per-chunk", "blocking"),
        default="inline",
        help="where it is hashed (default: %(default)s)",
    )
    parser.add_argument(
        "--mib",
        type=whole,
        metavar="N",
        help="mebibytes (default: 4, which are also hashed here, to check)",
    )
    options = parser.parse_args()
    options.check = options.mib is None
    options.mib = options.mib or 4
    try:
        report = asyncio.run(measured(options))
    except (Failure, OSError) as error:
        sys.exit(str(error))
    except KeyboardInterrupt:
        sys.exit(130)
    print(json.dumps(report))


if __name__ == "__main__":
    main()
