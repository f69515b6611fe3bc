"""A small JSON object by Bottle, under gunicorn.

    python examples/json-services/bottle_app.py
"""

from typing import Any

import common
import with_gunicorn
from bottle import Bottle

app = Bottle()
app.config["json.dump_func"] = common.compact


@app.get("/json")
def person() -> dict[str, Any]:
    languages = ["Python", "Rust"]
    return {"id": 7, "name": "Ada", "languages": languages, "active": True}


if __name__ == "__main__":
    with_gunicorn.main(app, __doc__)
