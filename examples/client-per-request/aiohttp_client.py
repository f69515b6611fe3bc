"""GETs over HTTPS: an aiohttp.ClientSession for each, or one for all.

The context, which holds the certificate authorities, is made once in both:
aiohttp makes its own when it is imported, and here another takes its place
that trusts the peer. main.py is the same on httpx, and says how to run it.

    python examples/client-per-request/aiohttp_client.py --client each \\
        --base https://127.0.0.1:PORT --ca ca.pem
"""

import asyncio
import ssl
from argparse import Namespace

import aiohttp
import work


# ANCHOR: client
def client(context: ssl.SSLContext) -> aiohttp.ClientSession:
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(ssl=context),
        timeout=aiohttp.ClientTimeout(total=work.TIMEOUT),
    )
# ANCHOR_END: client


async def fetch(session: aiohttp.ClientSession, base: str, i: int) -> int:
    async with session.get(
        f"{base}/item/{i}", allow_redirects=False
    ) as response:
        return work.checked(i, response.status, await response.json())


# ANCHOR: each
async def fetch_alone(context: ssl.SSLContext, base: str, i: int) -> int:
    async with client(context) as session:
        return await fetch(session, base, i)
# ANCHOR_END: each


async def run(options: Namespace) -> None:
    base = options.base
    context = ssl.create_default_context()
    context.load_verify_locations(cafile=options.ca)
    match options.client:
        case "each":
            await work.measure(
                lambda i: fetch_alone(context, base, i), options
            )
        case "shared":
            async with client(context) as session:
                await work.measure(lambda i: fetch(session, base, i), options)


def main() -> None:
    options = work.options(__doc__, ["each", "shared"])
    with work.failures(aiohttp.ClientError):
        asyncio.run(run(options))


if __name__ == "__main__":
    main()
