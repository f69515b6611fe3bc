"""Many GETs at once: aiohttp, one ClientSession.

As many tasks as there are to be GETs in flight, each taking the next item
that nobody has taken, all on one pool of as many connections. The twin is
main.rs; httpx_client.py and threads.py are the same on other libraries.

    python examples/many-urls/main.py
    python examples/many-urls/main.py --concurrency 100 --loop uvloop
"""

import asyncio
import sys
from argparse import Namespace
from asyncio import AbstractEventLoop
from collections.abc import Callable

import aiohttp
import peer


# ANCHOR: client
def client(concurrency: int) -> aiohttp.ClientSession:
    # No proxy from the environment, in any of these clients: aiohttp's
    # default, unlike the others'.
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=concurrency),
        timeout=aiohttp.ClientTimeout(total=peer.TIMEOUT),
    )
# ANCHOR_END: client


# ANCHOR: fetch
async def fetch(session: aiohttp.ClientSession, base: str, i: int) -> int:
    async with session.get(
        f"{base}/item/{i}", allow_redirects=False
    ) as response:
        if response.status != 200:
            raise peer.WrongAnswer(f"item {i}: {response.status}")
        match await response.json():
            case {"id": found, "check": int(check)} if found == i:
                return check
            case other:
                raise peer.WrongAnswer(f"item {i}: {other}")
# ANCHOR_END: fetch


# ANCHOR: workers
async def fetch_all(
    session: aiohttp.ClientSession, base: str, gets: int, concurrency: int
) -> int:
    todo = iter(range(gets))

    async def worker() -> int:
        total = 0
        # One iterator for all: between two awaits nobody else runs, so no
        # two workers can take the same item, and no lock is needed.
        for i in todo:
            total += await fetch(session, base, i)
        return total

    async with asyncio.TaskGroup() as group:
        workers = [group.create_task(worker()) for _ in range(concurrency)]
    return sum(task.result() for task in workers)
# ANCHOR_END: workers


async def run(base: str, options: Namespace) -> None:
    async with client(options.concurrency) as session:
        phase = peer.Phase()
        total = await fetch_all(
            session, base, options.gets, options.concurrency
        )
        phase.stop()
    peer.report(phase, options.gets, total)


def loop_factory(name: str) -> Callable[[], AbstractEventLoop] | None:
    if name == "asyncio":
        return None
    try:
        import uvloop
    except ImportError as error:
        sys.exit(f"--loop uvloop: {error} (see requirements.txt)")
    return uvloop.new_event_loop


def main() -> None:
    options = peer.options(__doc__, loop=True)
    factory = loop_factory(options.loop)
    with (
        peer.failures(aiohttp.ClientError),
        peer.base_url(options.base) as base,
        asyncio.Runner(loop_factory=factory) as runner,
    ):
        runner.run(run(base, options))


if __name__ == "__main__":
    main()
