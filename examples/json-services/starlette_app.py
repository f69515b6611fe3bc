"""A small JSON object by Starlette, under Uvicorn on uvloop and httptools.

    python examples/json-services/starlette_app.py
"""

import with_uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route


# ANCHOR: service
async def person(request: Request) -> JSONResponse:
    languages = ["Python", "Rust"]
    return JSONResponse(
        {"id": 7, "name": "Ada", "languages": languages, "active": True}
    )


app = Starlette(routes=[Route("/json", person)])
# ANCHOR_END: service


if __name__ == "__main__":
    with_uvicorn.main(app, __doc__)
