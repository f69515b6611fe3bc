"""A burst of requests to an endpoint of FastAPI that waits.

The endpoint waits in one of three ways: `async def` with asyncio.sleep,
`def` with time.sleep, which Starlette runs in a pool of threads, and
`async def` with time.sleep, which nobody should write. Each answers with the
thread it ran on. The service is Uvicorn in a process of its own, on the same
core; all requests are sent at once, over connections that are open already.
The twin is main.rs.

    python examples/endpoints/main.py
    python examples/endpoints/main.py --how async-blocking --requests 20
    python examples/endpoints/main.py --how def-sleep --threads 100
"""

import argparse
import asyncio
import contextlib
import json
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any

import aiohttp
import uvicorn
from anyio import to_thread
from fastapi import FastAPI

HOW = ("async-sleep", "def-sleep", "async-blocking")


def application(threads: int) -> FastAPI:
    # ANCHOR: pool
    @contextlib.asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        limiter = to_thread.current_default_thread_limiter()
        limiter.total_tokens = threads
        yield

    app = FastAPI(lifespan=lifespan)
    # ANCHOR_END: pool

    # ANCHOR: endpoints
    @app.get("/async-sleep/{ms}")
    async def async_sleep(ms: int) -> int:
        await asyncio.sleep(ms / 1000)
        return threading.get_ident()

    @app.get("/def-sleep/{ms}")
    def def_sleep(ms: int) -> int:
        time.sleep(ms / 1000)
        return threading.get_ident()

    @app.get("/async-blocking/{ms}")
    async def async_blocking(ms: int) -> int:
        time.sleep(ms / 1000)  # Nothing else runs meanwhile.
        return threading.get_ident()
    # ANCHOR_END: endpoints

    return app


class Announcing(uvicorn.Server):
    async def startup(
        self, sockets: list[socket.socket] | None = None
    ) -> None:
        await super().startup(sockets)
        for listener in sockets or ():
            print(listener.getsockname()[1], flush=True)


def serve(threads: int) -> None:
    config = uvicorn.Config(
        application(threads),
        loop="uvloop",
        http="httptools",
        access_log=False,
        log_level="warning",
    )
    # Uvicorn raises the signal that ended it again once it has shut down.
    signal.signal(signal.SIGTERM, lambda *_: None)
    listener = socket.create_server(("127.0.0.1", 0), backlog=2048)
    Announcing(config).run(sockets=[listener])


@contextlib.contextmanager
def service(threads: int) -> Iterator[str]:
    """A service in a process of its own; its address."""
    command = [sys.executable, __file__, "--serve", f"--threads={threads}"]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            if not line:
                raise ValueError("the service ended before it listened")
            yield f"http://127.0.0.1:{int(line)}"
            process.terminate()
            if status := process.wait(timeout=10):
                raise ValueError(f"the service ended with status {status}")
        finally:
            process.kill()


# ANCHOR: burst
async def ask(session: aiohttp.ClientSession, path: str) -> int | None:
    """The thread that answered, or None where the time ran out."""
    try:
        async with session.get(path) as answer:
            answer.raise_for_status()
            return int(await answer.read())
    except TimeoutError:
        return None


async def burst(
    session: aiohttp.ClientSession, path: str, requests: int
) -> tuple[list[int], list[int]]:
    """All at once: the threads that answered, and microseconds of each."""
    began = time.perf_counter()

    async def timed() -> tuple[int | None, int]:
        thread = await ask(session, path)
        return thread, int(1e6 * (time.perf_counter() - began))

    answers = await asyncio.gather(*(timed() for _ in range(requests)))
    answered = [(t, us) for t, us in answers if t is not None]
    return [t for t, _ in answered], [us for _, us in answered]
# ANCHOR_END: burst


async def run(base: str, options: argparse.Namespace) -> dict[str, Any]:
    async with aiohttp.ClientSession(
        base,
        connector=aiohttp.TCPConnector(limit=0),
        timeout=aiohttp.ClientTimeout(total=options.timeout),
    ) as session:
        # Opens the connections; in these no endpoint is asked to block.
        await burst(session, "/async-sleep/50", options.requests)
        path = f"/{options.how}/{options.wait}"
        wall, cpu = time.perf_counter(), time.process_time()
        threads, latencies = await burst(session, path, options.requests)
        seconds = time.perf_counter() - wall
        cpu_seconds = time.process_time() - cpu
    failed = options.requests - len(threads)
    counts = {"threads": len(set(threads)), "failed": failed}
    return {
        "result": {"answered": len(threads)},
        "phases": {
            "burst": {
                "seconds": seconds,
                "cpu_seconds": cpu_seconds,
                "work": options.requests,
                "counts": counts,
                "latencies_us": latencies,
            }
        },
    }


def positive(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 0 < int(text) <= 10_000):
        raise argparse.ArgumentTypeError(
            f"expected a whole number from 1 to 10,000, found {text!r}"
        )
    return int(text)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--how",
        choices=HOW,
        default=HOW[0],
        help="how the endpoint waits (default: %(default)s)",
    )
    parser.add_argument(
        "--requests",
        type=positive,
        default=100,
        metavar="N",
        help="sent at once (default: %(default)s)",
    )
    parser.add_argument(
        "--wait",
        type=positive,
        default=100,
        metavar="MS",
        help="how long the endpoint waits (default: %(default)s)",
    )
    parser.add_argument(
        "--threads",
        type=positive,
        default=40,
        metavar="N",
        help="of the pool for `def` (default: %(default)s, as in anyio)",
    )
    parser.add_argument(
        "--timeout",
        type=positive,
        default=60,
        metavar="S",
        help="of the client, for each request (default: %(default)s)",
    )
    parser.add_argument(
        "--serve", action="store_true", help=argparse.SUPPRESS
    )
    options = parser.parse_args()
    if options.serve:
        serve(options.threads)
        return
    try:
        with service(options.threads) as base:
            report = asyncio.run(run(base, options))
    except (OSError, ValueError, aiohttp.ClientError) as error:
        sys.exit(f"{type(error).__name__}: {error}")
    except subprocess.TimeoutExpired as error:
        sys.exit(f"the service did not end: {error}")
    print(json.dumps(report))


if __name__ == "__main__":
    main()
