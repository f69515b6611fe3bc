"""Many GETs, one after another: requests, one Session.

Each GET waits for the one before, so that their latencies add up. The
others of this folder do the same work with many in flight.

    python examples/many-urls/sequential.py
    python examples/many-urls/sequential.py --gets 1000 --base URL
"""

import peer
import requests


# ANCHOR: client
def client() -> requests.Session:
    # Keeps the connection open from one GET to the next.
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
def fetch_all(session: requests.Session, base: str, gets: int) -> int:
    return sum(fetch(session, base, i) for i in range(gets))
# ANCHOR_END: workers


def main() -> None:
    options = peer.options(__doc__, concurrency=False)
    with (
        peer.failures(),
        peer.base_url(options.base) as base,
        client() as session,
    ):
        phase = peer.Phase()
        total = fetch_all(session, base, options.gets)
        phase.stop()
        peer.report(phase, options.gets, total)


if __name__ == "__main__":
    main()
