"""A small JSON object by Flask, under gunicorn.

    python examples/json-services/flask_app.py
    python examples/json-services/flask_app.py --worker sync
"""

import common
import with_gunicorn
from flask import Flask, Response

# ANCHOR: service
app = Flask(__name__)


@app.get("/json")
def person() -> Response:
    languages = ["Python", "Rust"]
    # jsonify() would sort the keys and end the body with a newline.
    body = common.compact(
        {"id": 7, "name": "Ada", "languages": languages, "active": True}
    )
    return Response(body, mimetype="application/json")
# ANCHOR_END: service


if __name__ == "__main__":
    with_gunicorn.main(app, __doc__)
