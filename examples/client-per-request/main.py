"""GETs over HTTPS: an httpx.AsyncClient for each, or one for all.

With `each` every request makes a client, and with it a connection, a TLS
handshake, and a context that loads the certificate authorities; `context`
makes only that once; `shared` is one client for all. The twin is main.rs.

Needs a server of its own, which writes the authority to trust to a file:

    cargo run --release -p measure --bin delay-server -- \\
        --delay 10 --tls-ca ca.pem
    python examples/client-per-request/main.py --client each \\
        --base https://127.0.0.1:PORT --ca ca.pem
"""

import asyncio
import ssl
from argparse import Namespace
from pathlib import Path

import anyio.lowlevel
import certifi
import httpx
import work


# ANCHOR: client
def authorities(ca: Path) -> ssl.SSLContext:
    # The context that httpx makes for each client that is given none, and
    # one more authority in it: the peer's.
    context = ssl.create_default_context(cafile=certifi.where())
    context.load_verify_locations(cafile=ca)
    return context


def client(context: ssl.SSLContext) -> httpx.AsyncClient:
    return httpx.AsyncClient(
        verify=context, timeout=work.TIMEOUT, trust_env=False
    )
# ANCHOR_END: client


async def fetch(http: httpx.AsyncClient, base: str, i: int) -> int:
    async with asyncio.timeout(work.TIMEOUT):
        response = await http.get(f"{base}/item/{i}")
    return work.checked(i, response.status_code, response.json())


# ANCHOR: each
async def fetch_alone(context: ssl.SSLContext, base: str, i: int) -> int:
    async with client(context) as http:
        return await fetch(http, base, i)
# ANCHOR_END: each


# ANCHOR: how
async def run(options: Namespace) -> None:
    base, ca = options.base, options.ca
    # httpx waits through anyio, which imports most of itself at its first
    # wait: here, so that the first GET is not measured importing.
    await anyio.lowlevel.checkpoint()
    match options.client:
        case "each":
            await work.measure(
                lambda i: fetch_alone(authorities(ca), base, i), options
            )
        case "context":
            context = authorities(ca)
            await work.measure(
                lambda i: fetch_alone(context, base, i), options
            )
        case "shared":
            async with client(authorities(ca)) as http:
                await work.measure(lambda i: fetch(http, base, i), options)
# ANCHOR_END: how


def main() -> None:
    options = work.options(__doc__, ["each", "context", "shared"])
    with work.failures(httpx.HTTPError, httpx.InvalidURL):
        asyncio.run(run(options))


if __name__ == "__main__":
    main()
