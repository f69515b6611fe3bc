"""A small JSON object by Sanic, on its own server, which runs on uvloop.

    python examples/json-services/sanic_app.py
"""

import argparse

import common
from sanic import HTTPResponse, Request, Sanic
from sanic.response import json

# Its own logging would write to standard output at every start.
app = Sanic("json_services", configure_logging=False)


@app.get("/json")
async def person(request: Request) -> HTTPResponse:
    languages = ["Python", "Rust"]
    # Written by ujson, which Sanic brings along.
    return json(
        {"id": 7, "name": "Ada", "languages": languages, "active": True}
    )


def serve(where: common.Address, _: argparse.Namespace) -> None:
    listener = common.bind(where)

    @app.after_server_start
    async def ready(_: Sanic) -> None:
        common.announce(listener)

    app.run(
        sock=listener,
        single_process=True,
        access_log=False,
        motd=False,
        backlog=common.BACKLOG,
    )


if __name__ == "__main__":
    common.main(serve, common.parser(__doc__))
