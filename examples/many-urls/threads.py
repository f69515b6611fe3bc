"""Many GETs at once: requests, in a pool of threads.

As many threads as there are to be GETs in flight, each taking the next
item that nobody has taken. main.py does the same with tasks.

    python examples/many-urls/threads.py
    python examples/many-urls/threads.py --concurrency 100 --base URL
"""

import contextlib
from collections import deque
from concurrent.futures import ThreadPoolExecutor

import peer
import requests


# ANCHOR: client
def client() -> requests.Session:
    # One for each thread: a Session is not documented as safe to share
    # between threads. Its pool then holds the one connection it needs.
    session = requests.Session()
    # No proxy from the environment, in any of these clients.
    session.trust_env = False
    return session
# ANCHOR_END: client


# ANCHOR: fetch
def fetch(session: requests.Session, base: str, i: int) -> int:
    # requests knows no limit for the whole of a request: this one holds for
    # connecting, and then again for every wait for bytes.
    with session.get(
        f"{base}/item/{i}", timeout=peer.TIMEOUT, allow_redirects=False
    ) as response:
        if response.status_code != 200:
            raise peer.WrongAnswer(f"item {i}: {response.status_code}")
        match response.json():
            case {"id": found, "check": int(check)} if found == i:
                return check
            case other:
                raise peer.WrongAnswer(f"item {i}: {other}")
# ANCHOR_END: fetch


# ANCHOR: workers
def fetch_all(sessions: list[requests.Session], base: str, gets: int) -> int:
    # Unlike an iterator's next(), a deque's popleft() is documented as safe
    # to call from many threads.
    todo = deque(range(gets))

    def worker(session: requests.Session) -> int:
        total = 0
        try:
            while True:
                try:
                    i = todo.popleft()
                except IndexError:
                    return total
                total += fetch(session, base, i)
        except BaseException:
            # A failure here ends the others too, after what each has in
            # hand: nobody can stop a thread from outside.
            todo.clear()
            raise

    with ThreadPoolExecutor(max_workers=len(sessions)) as pool:
        return sum(pool.map(worker, sessions))
# ANCHOR_END: workers


def main() -> None:
    options = peer.options(__doc__)
    with contextlib.ExitStack() as stack:
        stack.enter_context(peer.failures())
        base = stack.enter_context(peer.base_url(options.base))
        sessions = [
            stack.enter_context(client()) for _ in range(options.concurrency)
        ]
        phase = peer.Phase()
        total = fetch_all(sessions, base, options.gets)
        phase.stop()
        peer.report(phase, options.gets, total)


if __name__ == "__main__":
    main()
