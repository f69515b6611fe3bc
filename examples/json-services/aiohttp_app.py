"""A small JSON object by aiohttp's server, on uvloop.

    python examples/json-services/aiohttp_app.py
"""

import argparse
import asyncio
import signal

import common
import uvloop
from aiohttp import web


async def person(request: web.Request) -> web.Response:
    languages = ["Python", "Rust"]
    return web.json_response(
        {"id": 7, "name": "Ada", "languages": languages, "active": True},
        dumps=common.compact,
    )


app = web.Application()
app.router.add_get("/json", person)


async def run(where: common.Address) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    listener = common.bind(where)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        site = web.SockSite(runner, listener, backlog=common.BACKLOG)
        await site.start()
        common.announce(listener)
        await stop.wait()
    finally:
        await runner.cleanup()


def serve(where: common.Address, _: argparse.Namespace) -> None:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(run(where))


if __name__ == "__main__":
    common.main(serve, common.parser(__doc__))
