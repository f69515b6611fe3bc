"""Many GETs at once: httpx, one AsyncClient or several.

As many tasks as there are to be GETs in flight, each taking the next item
that nobody has taken, on one pool of as many connections, or dealt out to
the pools of several clients. main.py is the same on aiohttp.

    python examples/many-urls/httpx_client.py
    python examples/many-urls/httpx_client.py --concurrency 100 --base URL
    python examples/many-urls/httpx_client.py --concurrency 100 --clients 10
"""

import asyncio
import contextlib
import ssl
from argparse import Namespace

import anyio.lowlevel
import certifi
import httpx
import peer


# ANCHOR: client
def client(
    concurrency: int, authorities: ssl.SSLContext
) -> httpx.AsyncClient:
    return httpx.AsyncClient(
        verify=authorities,
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
    clients: list[httpx.AsyncClient], base: str, gets: int, concurrency: int
) -> int:
    todo = iter(range(gets))

    async def worker(http: httpx.AsyncClient) -> int:
        total = 0
        # One iterator for all: between two awaits nobody else runs, so no
        # two workers can take the same item, and no lock is needed.
        for i in todo:
            total += await fetch(http, base, i)
        return total

    async with asyncio.TaskGroup() as group:
        workers = [
            group.create_task(worker(clients[n % len(clients)]))
            for n in range(concurrency)
        ]
    return sum(task.result() for task in workers)
# ANCHOR_END: workers


async def run(
    clients: list[httpx.AsyncClient], base: str, options: Namespace
) -> None:
    # httpx waits through anyio, which imports most of itself at its first
    # wait: here, so that the first GET is not measured importing.
    await anyio.lowlevel.checkpoint()
    async with contextlib.AsyncExitStack() as stack:
        for http in clients:
            await stack.enter_async_context(http)
        phase = peer.Phase()
        total = await fetch_all(
            clients, base, options.gets, options.concurrency
        )
        phase.stop()
    peer.report(phase, options.gets, total)


def main() -> None:
    options = peer.options(__doc__, clients=True)
    # What each client would load for itself, used or not. It is made before
    # there is a loop, because a loop would stand still for that long.
    authorities = ssl.create_default_context(cafile=certifi.where())
    # None without a worker, and every worker with a connection.
    count = min(options.clients, options.concurrency)
    share = -(-options.concurrency // count)
    clients = [client(share, authorities) for _ in range(count)]
    with (
        peer.failures(httpx.HTTPError, httpx.InvalidURL),
        peer.base_url(options.base) as base,
    ):
        asyncio.run(run(clients, base, options))


if __name__ == "__main__":
    main()
