"""A small JSON object by Quart, under Uvicorn on uvloop and httptools.

    python examples/json-services/quart_app.py
"""

import common
import with_uvicorn
from quart import Quart, Response

app = Quart(__name__)


@app.get("/json")
async def person() -> Response:
    languages = ["Python", "Rust"]
    # jsonify() would sort the keys and end the body with a newline.
    body = common.compact(
        {"id": 7, "name": "Ada", "languages": languages, "active": True}
    )
    return Response(body, mimetype="application/json")


if __name__ == "__main__":
    with_uvicorn.main(app, __doc__)
