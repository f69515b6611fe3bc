"""A small JSON object by Falcon (its WSGI side), under gunicorn.

    python examples/json-services/falcon_app.py
"""

import common
import falcon
import with_gunicorn
from falcon import media


class Person:
    def on_get(
        self, request: falcon.Request, response: falcon.Response
    ) -> None:
        languages = ["Python", "Rust"]
        response.media = {
            "id": 7, "name": "Ada", "languages": languages, "active": True
        }


app = falcon.App()
app.resp_options.media_handlers[falcon.MEDIA_JSON] = media.JSONHandler(
    dumps=common.compact
)
app.add_route("/json", Person())


if __name__ == "__main__":
    with_gunicorn.main(app, __doc__)
