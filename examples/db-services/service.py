"""What the Python services share: the table, the command line, the socket.

Not a program of its own: bottle_app.py and main.py use it.
"""

import argparse
import ipaddress
import json
import socket
import sys
from urllib.parse import urlsplit

import psycopg

# Seconds for a connection, be it a new one or one of the pool.
TIMEOUT = 5.0
# For a query. The server watches it, so that no client needs a timer for each.
STATEMENT_TIMEOUT = "5s"
BACKLOG = 1024

# Users with ids from 1. The step between two lookups of a request has no
# common divisor with their number.
USERS = 1000
STEP = 389

SET_UP = f"""
DROP SCHEMA IF EXISTS price_of_await CASCADE;
CREATE SCHEMA price_of_await;
CREATE TABLE price_of_await.users (id bigint PRIMARY KEY, name text NOT NULL);
INSERT INTO price_of_await.users
    SELECT id, 'user ' || id FROM generate_series(1, {USERS}) AS id;
ANALYZE price_of_await.users;
"""


def set_up(url: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(SET_UP)


def wanted(user: int, queries: int) -> list[int]:
    """Whom a request looks up: the user, and others."""
    return [(user - 1 + n * STEP) % USERS + 1 for n in range(queries)]


def answer(user: int, names: list[str]) -> bytes:
    found = {"id": user, "name": names[0], "found": len(names)}
    return json.dumps(found, separators=(",", ":")).encode()


def bind(host: str, port: int) -> socket.socket:
    listener = socket.socket(
        socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP
    )
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        sys.exit(f"cannot listen on {host}:{port}: {error.strerror}")
    return listener


def announce(listener: socket.socket) -> None:
    """Tells who started the service where it listens: it is ready."""
    host, port = listener.getsockname()[:2]
    print(json.dumps({"listening": f"{host}:{port}"}), flush=True)


def options(description: str | None) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description=description,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--listen",
        type=address,
        required=True,
        metavar="IP:PORT",
        help="serve here until SIGTERM or SIGINT; port 0 takes a free one",
    )
    parser.add_argument(
        "--database",
        type=database_url,
        required=True,
        metavar="URL",
        help="the database, where a schema price_of_await is made anew",
    )
    for name, default, help in (
        ("--queries", 1, "queries of a request"),
        ("--connections", 20, "connections of the pool"),
    ):
        parser.add_argument(
            name,
            type=at_least_one,
            default=default,
            metavar="N",
            help=f"{help} (default: %(default)s)",
        )
    return parser


def address(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    try:
        host = str(ipaddress.IPv4Address(host))
    except ValueError as error:
        raise argparse.ArgumentTypeError(
            f"expected IP:PORT, such as 127.0.0.1:7007: {error}"
        ) from None
    if not (port.isascii() and port.isdigit() and int(port) < 2**16):
        raise argparse.ArgumentTypeError(f"{port!r} is not a port")
    return host, int(port)


def database_url(text: str) -> str:
    if urlsplit(text).scheme not in ("postgresql", "postgres"):
        raise argparse.ArgumentTypeError(
            f"expected one like postgresql://USER@127.0.0.1/NAME: {text!r}"
        )
    return text


def at_least_one(text: str) -> int:
    if not (text.isascii() and text.isdigit()) or not (
        1 <= int(text) <= 1000
    ):
        raise argparse.ArgumentTypeError(
            f"{text!r} is not a whole number from 1 to 1000"
        )
    return int(text)
