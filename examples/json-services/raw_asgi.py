"""A small JSON object by ASGI itself: no framework, no routing to speak of.

    python examples/json-services/raw_asgi.py
"""

from collections.abc import Awaitable, Callable
from typing import Any

import common
import with_uvicorn

Send = Callable[[dict[str, Any]], Awaitable[None]]


# ANCHOR: service
async def app(scope: dict[str, Any], receive: object, send: Send) -> None:
    if scope["type"] != "http":
        # Uvicorn asks whether we want to hear of its start and end.
        raise NotImplementedError(scope["type"])
    status, body = 404, b""
    if scope["path"] == "/json":
        languages = ["Python", "Rust"]
        person = {
            "id": 7, "name": "Ada", "languages": languages, "active": True
        }
        status, body = 200, common.compact(person).encode()
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", b"%d" % len(body)),
    ]
    start = {"type": "http.response.start", "status": status}
    await send({**start, "headers": headers})
    await send({"type": "http.response.body", "body": body})
# ANCHOR_END: service


if __name__ == "__main__":
    with_uvicorn.main(app, __doc__)
