"""Users from PostgreSQL by Bottle and psycopg 3, served by gunicorn.

One worker process with as many threads as the pool has connections. A
request does so many lookups, one after another. The twins are main.py and
main.rs. Needs a database in which it may make a schema of its own,
`price_of_await`, which it leaves there.

    python examples/db-services/bottle_app.py --listen 127.0.0.1:7007 \\
        --database postgresql://USER@127.0.0.1/NAME
    curl http://127.0.0.1:7007/user/7
"""

import argparse
from typing import Any

import service
from bottle import Bottle, response
from gunicorn.app.base import BaseApplication
from psycopg_pool import ConnectionPool


# ANCHOR: service
FIND = "SELECT name FROM price_of_await.users WHERE id = %s"


def application(pool: ConnectionPool, queries: int) -> Bottle:
    app = Bottle()

    @app.get("/user/<user:int>")
    def find(user: int) -> bytes:
        with pool.connection() as connection:
            names = [
                connection.execute(FIND, [id]).fetchone()[0]
                for id in service.wanted(user, queries)
            ]
        response.content_type = "application/json"
        return service.answer(user, names)

    return app
# ANCHOR_END: service


class Server(BaseApplication):
    """One worker, whose pool is opened after the fork: connections must not
    be shared with the parent."""

    def __init__(self, chosen: argparse.Namespace) -> None:
        self.chosen = chosen
        super().__init__()

    def load_config(self) -> None:
        host, port = self.chosen.listen
        for name, value in {
            "bind": f"{host}:{port}",
            "backlog": service.BACKLOG,
            "workers": 1,
            "worker_class": "gthread",
            "threads": self.chosen.connections,
            "loglevel": "warning",
            "post_worker_init": worker_is_ready,
            "worker_exit": worker_has_ended,
            # No socket for administration beside the service.
            "control_socket_disable": True,
        }.items():
            self.cfg.set(name, value)

    def load(self) -> Bottle:
        self.pool = ConnectionPool(
            self.chosen.database,
            min_size=self.chosen.connections,
            max_size=self.chosen.connections,
            timeout=service.TIMEOUT,
            kwargs={
                "autocommit": True,
                "prepare_threshold": 0,
                "options": f"-c statement_timeout={service.STATEMENT_TIMEOUT}",
            },
            open=True,
        )
        self.pool.wait(service.TIMEOUT)
        return application(self.pool, self.chosen.queries)


def worker_is_ready(worker: Any) -> None:
    # Called in the only worker, when it has loaded the application. The
    # master listens earlier, when nobody is there to answer.
    service.announce(worker.sockets[0].sock)


def worker_has_ended(_: Any, worker: Any) -> None:
    worker.app.pool.close()


def main() -> None:
    chosen = service.options(__doc__).parse_args()
    service.set_up(chosen.database)
    Server(chosen).run()


if __name__ == "__main__":
    main()
