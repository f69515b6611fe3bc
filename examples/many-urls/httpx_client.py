"""Many GETs at once: httpx, one AsyncClient.

As many tasks as there are to be GETs in flight, each taking the next item
that nobody has taken, all on one pool of as many connections. main.py is
the same on aiohttp.

    python examples/many-urls/httpx_client.py
    python examples/many-urls/httpx_client.py --concurrency 100 --base URL
"""

import asyncio
from argparse import Namespace

import anyio.abc
import anyio.lowlevel
import httpx
import peer


# ANCHOR: client
def client(concurrency: int) -> httpx.AsyncClient:
    return httpx.AsyncClient(
        limits=httpx.Limits(
            max_connections=concurrency,
            max_keepalive_connections=concurrency,
        ),
        # For each step of a request; fetch() limits the whole.
        timeout=peer.TIMEOUT,
        # No proxy from the environment, in any of these clients.
        trust_env=False,
    )
# ANCHOR_END: client


# ANCHOR: fetch
async def fetch(http: httpx.AsyncClient, base: str, i: int) -> int:
    async with asyncio.timeout(peer.TIMEOUT):
        response = await http.get(f"{base}/item/{i}")
    if response.status_code != 200:
        raise peer.WrongAnswer(f"item {i}: {response.status_code}")
    match response.json():
        case {"id": found, "check": int(check)} if found == i:
            return check
        case other:
            raise peer.WrongAnswer(f"item {i}: {other}")
# ANCHOR_END: fetch


# ANCHOR: workers
async def fetch_all(
    http: httpx.AsyncClient, base: str, gets: int, concurrency: int
) -> int:
    todo = iter(range(gets))

    async def worker() -> int:
        total = 0
        # One iterator for all: between two awaits nobody else runs, so no
        # two workers can take the same item, and no lock is needed.
        for i in todo:
            total += await fetch(http, base, i)
        return total

    async with asyncio.TaskGroup() as group:
        workers = [group.create_task(worker()) for _ in range(concurrency)]
    return sum(task.result() for task in workers)
# ANCHOR_END: workers


async def run(http: httpx.AsyncClient, base: str, options: Namespace) -> None:
    # httpx waits through anyio, which imports most of itself at its first
    # wait: here, so that the first GET is not measured importing.
    await anyio.lowlevel.checkpoint()
    async with http:
        phase = peer.Phase()
        total = await fetch_all(http, base, options.gets, options.concurrency)
        phase.stop()
    peer.report(phase, options.gets, total)


def main() -> None:
    options = peer.options(__doc__)
    # Before there is a loop, because it loads the certificates for https,
    # used or not, and a loop would stand still for that long.
    http = client(options.concurrency)
    with (
        peer.failures(httpx.HTTPError, httpx.InvalidURL),
        peer.base_url(options.base) as base,
    ):
        asyncio.run(run(http, base, options))


if __name__ == "__main__":
    main()
