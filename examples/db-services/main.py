"""Users from PostgreSQL by Starlette and asyncpg, served by Uvicorn.

One process, and a pool of connections. A request does so many lookups, one
after another. The twins are main.rs and bottle_app.py. Needs a database in
which it may make a schema of its own, `price_of_await`, which it leaves
there.

    python examples/db-services/main.py --listen 127.0.0.1:7007 \\
        --database postgresql://USER@127.0.0.1/NAME
    curl http://127.0.0.1:7007/user/7
"""

import argparse
import signal
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
import service
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

# ANCHOR: service
FIND = "SELECT name FROM price_of_await.users WHERE id = $1"


async def find(request: Request) -> Response:
    user, state = request.path_params["user"], request.app.state
    async with state.pool.acquire(timeout=service.TIMEOUT) as connection:
        names = [
            await connection.fetchval(FIND, id)
            for id in service.wanted(user, state.queries)
        ]
    answer = service.answer(user, names)
    return Response(answer, media_type="application/json")
# ANCHOR_END: service


async def no_reset(_: asyncpg.Connection) -> None:
    """The other pools send nothing when a connection comes back."""


def application(chosen: argparse.Namespace) -> Starlette:
    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        async with asyncpg.create_pool(
            chosen.database,
            min_size=chosen.connections,
            max_size=chosen.connections,
            timeout=service.TIMEOUT,
            server_settings={"statement_timeout": service.STATEMENT_TIMEOUT},
            reset=no_reset,
        ) as app.state.pool:
            app.state.queries = chosen.queries
            yield

    return Starlette(
        routes=[Route("/user/{user:int}", find)], lifespan=lifespan
    )


class Announcing(uvicorn.Server):
    """Says where it listens once the application has started."""

    async def startup(
        self, sockets: list[socket.socket] | None = None
    ) -> None:
        await super().startup(sockets)
        for listener in sockets or ():
            service.announce(listener)


def main() -> None:
    parser = service.options(__doc__)
    parser.add_argument(
        "--loop",
        choices=["uvloop", "asyncio"],
        default="uvloop",
        help="the event loop (default: %(default)s)",
    )
    chosen = parser.parse_args()
    service.set_up(chosen.database)
    config = uvicorn.Config(
        application(chosen),
        loop=chosen.loop,
        http="httptools",
        lifespan="on",
        access_log=False,
        log_level="warning",
    )
    # Once it has shut down, Uvicorn raises the signal again that ended it,
    # for whoever handled it before: here that is an orderly end.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: None)
    Announcing(config).run(sockets=[service.bind(*chosen.listen)])


if __name__ == "__main__":
    main()
