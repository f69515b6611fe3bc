"""Serves a WSGI application by gunicorn: one worker process.

Not a program of its own: flask_app.py and others use it.
"""

import argparse
from typing import Any

import common
from gunicorn.app.base import BaseApplication

# Threads of a gthread worker. More would not help a service that never
# waits: one of them runs at a time.
THREADS = 4


class Application(BaseApplication):
    def __init__(self, application: Any, settings: dict[str, Any]) -> None:
        self.application = application
        self.settings = settings
        super().__init__()

    def load_config(self) -> None:
        for name, value in self.settings.items():
            self.cfg.set(name, value)

    def load(self) -> Any:
        return self.application


def worker_is_ready(worker: Any) -> None:
    # Called in the worker, after it has booted. The master listens earlier,
    # when nobody is there to answer. There is only this one worker.
    common.announce(worker.sockets[0].sock)


def parser(description: str | None) -> argparse.ArgumentParser:
    options = common.parser(description)
    options.add_argument(
        "--worker",
        choices=("gthread", "sync"),
        default="gthread",
        help="sync closes the connection after each answer"
        " (default: %(default)s)",
    )
    return options


def serve(
    application: Any, where: common.Address, chosen: argparse.Namespace
) -> None:
    settings = {
        "bind": f"{where[0]}:{where[1]}",
        "backlog": common.BACKLOG,
        "workers": 1,
        "worker_class": chosen.worker,
        "loglevel": "warning",
        "post_worker_init": worker_is_ready,
        # No socket for administration beside the service.
        "control_socket_disable": True,
    }
    if chosen.worker == "gthread":
        settings["threads"] = THREADS
    Application(application, settings).run()


def main(application: Any, description: str | None) -> None:
    def start(where: common.Address, chosen: argparse.Namespace) -> None:
        serve(application, where, chosen)

    common.main(start, parser(description))
