"""A user from PostgreSQL and her profile by HTTP, joined.

With `serial` the profile is asked for when the user is there; with
`concurrent` both are waited for at once, which they may be, since neither
needs the other's answer. The twin is main.rs.

Needs both services: a database in which it may make a schema of its own,
`price_of_await`, and drops it at the end, and the server of profiles.

    cargo run --release -p measure --bin delay-server -- --delay 20
    python examples/fetch-user/main.py --base http://127.0.0.1:PORT \\
        --database postgresql://USER@127.0.0.1/NAME --how concurrent
"""

import argparse
import asyncio
import json
import sys
import time
from asyncio import AbstractEventLoop
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

import aiohttp
import asyncpg

# Seconds for one query, and for one GET.
TIMEOUT = 5.0

# How many users there are, with ids from 0.
USERS = 1000

# A query that takes {delay} milliseconds, as one over large tables would.
SET_UP = """
DROP SCHEMA IF EXISTS price_of_await CASCADE;
CREATE SCHEMA price_of_await;
CREATE TABLE price_of_await.users
    (id bigint PRIMARY KEY, name text NOT NULL, email text);
INSERT INTO price_of_await.users
    SELECT id, 'user ' || id, CASE WHEN id % 3 > 0 THEN id || '@host' END
    FROM generate_series(0, {users} - 1) AS id;
CREATE VIEW price_of_await.slow_users AS
    SELECT users.* FROM price_of_await.users, pg_sleep({delay} / 1000.0);
"""
FIND_USER = (
    "SELECT id, name, email FROM price_of_await.slow_users WHERE id = $1"
)
TEAR_DOWN = "DROP SCHEMA price_of_await CASCADE"


# ANCHOR: types
@dataclass(frozen=True, slots=True)
class User:
    id: int
    name: str
    email: str | None


@dataclass(frozen=True, slots=True)
class Profile:
    id: int
    check: int


@dataclass(frozen=True, slots=True)
class Account:
    user: User
    profile: Profile


@dataclass(frozen=True, slots=True)
class Services:
    pool: asyncpg.Pool
    http: aiohttp.ClientSession
    base: str
# ANCHOR_END: types


# ANCHOR: user
async def find_user(services: Services, user_id: int) -> User | None:
    async with asyncio.timeout(TIMEOUT):
        row = await services.pool.fetchrow(FIND_USER, user_id)
    if row is None:
        return None
    return User(row["id"], row["name"], row["email"])
# ANCHOR_END: user


# ANCHOR: profile
async def get_profile(services: Services, user_id: int) -> Profile:
    url = f"{services.base}/item/{user_id}"
    async with services.http.get(url) as response:
        response.raise_for_status()
        match await response.json():
            case {"id": int(found), "check": int(check)}:
                return Profile(found, check)
            case other:
                raise ValueError(f"{url}: {other} is no profile")
# ANCHOR_END: profile


# ANCHOR: serial
async def serial(services: Services, user_id: int) -> Account | None:
    user = await find_user(services, user_id)
    if user is None:
        return None
    profile = await get_profile(services, user_id)
    return Account(user, profile)
# ANCHOR_END: serial


# ANCHOR: concurrent
async def concurrent(services: Services, user_id: int) -> Account | None:
    async with asyncio.TaskGroup() as tasks:
        finding = tasks.create_task(find_user(services, user_id))
        getting = tasks.create_task(get_profile(services, user_id))
    user, profile = finding.result(), getting.result()
    if user is None:
        return None
    return Account(user, profile)
# ANCHOR_END: concurrent


FetchUser = Callable[[Services, int], Awaitable[Account | None]]

HOW: dict[str, FetchUser] = {"serial": serial, "concurrent": concurrent}


async def fetch_several(
    fetch_user: FetchUser, services: Services, ids: range
) -> list[Account]:
    """One fetch after another."""
    accounts = []
    for user_id in (id % USERS for id in ids):
        try:
            account = await fetch_user(services, user_id)
        except Exception as error:
            error.add_note(f"user {user_id} was not fetched")
            raise
        match account:
            case Account(
                user=User(id=found, name=name), profile=Profile(id=other)
            ) if found == other == user_id and name == f"user {user_id}":
                accounts.append(account)
            case _:
                raise ValueError(f"user {user_id}: found {account}")
    return accounts


async def fetch_all(
    fetch_user: FetchUser, services: Services, callers: int, fetches: int
) -> list[Account]:
    """As many callers at a time, each with so many fetches of its own."""
    async with asyncio.TaskGroup() as tasks:
        calling = [
            tasks.create_task(
                fetch_several(
                    fetch_user,
                    services,
                    range(caller * fetches, (caller + 1) * fetches),
                )
            )
            for caller in range(callers)
        ]
    return [account for task in calling for account in task.result()]


async def measured(options: argparse.Namespace, services: Services) -> None:
    fetch_user: FetchUser = HOW[options.how]
    # Opens every connection and prepares the query on it. One id too far:
    # there is a profile, but no user.
    await fetch_all(fetch_user, services, options.callers, 1)
    if await fetch_user(services, USERS) is not None:
        raise ValueError("a user was found who is not there")

    wall, cpu = time.perf_counter(), time.process_time()
    accounts = await fetch_all(
        fetch_user, services, options.callers, options.fetches
    )
    seconds = time.perf_counter() - wall
    cpu_seconds = time.process_time() - cpu

    report = {
        "result": {
            "checks": sum(account.profile.check for account in accounts),
            "emails": sum(
                account.user.email is not None for account in accounts
            ),
        },
        "phases": {
            "fetches": {
                "seconds": seconds,
                "cpu_seconds": cpu_seconds,
                "work": len(accounts),
            },
        },
    }
    print(json.dumps(report))


# ANCHOR: open
async def run(options: argparse.Namespace) -> None:
    async with (
        asyncpg.create_pool(
            options.database,
            min_size=options.callers,
            max_size=options.callers,
            timeout=TIMEOUT,
        ) as pool,
        aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=options.callers),
            timeout=aiohttp.ClientTimeout(total=TIMEOUT),
        ) as http,
    ):
        services = Services(pool, http, options.base)
        await set_up(pool, options.query)
        await measured(options, services)
        await pool.execute(TEAR_DOWN)
# ANCHOR_END: open


async def set_up(pool: asyncpg.Pool, delay: int) -> None:
    await pool.execute(SET_UP.format(users=USERS, delay=delay))


def database_url(text: str) -> str:
    if urlsplit(text).scheme not in ("postgresql", "postgres"):
        raise argparse.ArgumentTypeError(
            f"expected one like postgresql://USER@127.0.0.1/NAME: {text!r}"
        )
    return text


def http_url(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme != "http" or not parts.netloc:
        raise argparse.ArgumentTypeError(
            f"expected one like http://127.0.0.1:8000: {text!r}"
        )
    return text.rstrip("/")


def number(text: str) -> int:
    if not (text.isascii() and text.isdigit()) or int(text) > 1_000_000:
        raise argparse.ArgumentTypeError(
            f"{text!r} is not a whole number up to a million"
        )
    return int(text)


def at_least_one(text: str) -> int:
    if (found := number(text)) == 0:
        raise argparse.ArgumentTypeError("at least 1 is expected")
    return found


def loop_factory(name: str) -> Callable[[], AbstractEventLoop] | None:
    if name == "asyncio":
        return None
    try:
        import uvloop
    except ImportError as error:
        sys.exit(f"--loop uvloop: {error} (see requirements.txt)")
    return uvloop.new_event_loop


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--database",
        type=database_url,
        required=True,
        metavar="URL",
        help="the database, where a schema price_of_await is made anew",
    )
    parser.add_argument(
        "--base",
        type=http_url,
        required=True,
        metavar="URL",
        help="where profiles are, as URL/item/0, URL/item/1...",
    )
    parser.add_argument(
        "--how",
        choices=HOW,
        default="concurrent",
        help="how the two are waited for (default: %(default)s)",
    )
    parser.add_argument(
        "--callers",
        type=at_least_one,
        default=1,
        metavar="N",
        help="who fetch at the same time (default: %(default)s)",
    )
    parser.add_argument(
        "--fetches",
        type=at_least_one,
        default=25,
        metavar="N",
        help="of each, one after another (default: %(default)s)",
    )
    parser.add_argument(
        "--query",
        type=number,
        default=10,
        metavar="MS",
        help="how long the query takes (default: %(default)s)",
    )
    parser.add_argument(
        "--loop",
        choices=["asyncio", "uvloop"],
        default="asyncio",
        help="the event loop (default: %(default)s)",
    )
    options = parser.parse_args()
    factory = loop_factory(options.loop)
    with asyncio.Runner(loop_factory=factory) as runner:
        runner.run(run(options))


if __name__ == "__main__":
    main()
