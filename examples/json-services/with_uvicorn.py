"""Serves an ASGI application by Uvicorn, on uvloop and httptools.

Not a program of its own: main.py and others use it.
"""

import argparse
import signal
import socket
from typing import Any

import common
import uvicorn


class Announcing(uvicorn.Server):
    """Says where it listens once the application has started."""

    async def startup(
        self, sockets: list[socket.socket] | None = None
    ) -> None:
        await super().startup(sockets)
        for listener in sockets or ():
            common.announce(listener)


def serve(application: Any, where: common.Address) -> None:
    config = uvicorn.Config(
        application,
        loop="uvloop",
        http="httptools",
        access_log=False,
        log_level="warning",
    )
    # Once it has shut down, Uvicorn raises the signal again that ended it,
    # for whoever handled it before: here that is an orderly end.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: None)
    Announcing(config).run(sockets=[common.bind(where)])


def main(application: Any, description: str | None) -> None:
    def start(where: common.Address, _: argparse.Namespace) -> None:
        serve(application, where)

    common.main(start, common.parser(description))
