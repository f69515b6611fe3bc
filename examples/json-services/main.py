"""A small JSON object by FastAPI, under Uvicorn on uvloop and httptools.

The twin is main.rs. The same by other frameworks stands beside: flask_app.py,
django_app.py, bottle_app.py and falcon_app.py under gunicorn, quart_app.py,
starlette_app.py and raw_asgi.py under Uvicorn, sanic_app.py, aiohttp_app.py,
service.go and service.mjs. Without `--listen` the service is started, asked
once and stopped.

    python examples/json-services/main.py
    python examples/json-services/main.py --listen 127.0.0.1:7007
"""

import with_uvicorn
from fastapi import FastAPI
from pydantic import BaseModel


# ANCHOR: service
class Person(BaseModel):
    id: int
    name: str
    languages: list[str]
    active: bool


app = FastAPI()


@app.get("/json")
async def person() -> Person:
    return Person(
        id=7, name="Ada", languages=["Python", "Rust"], active=True
    )
# ANCHOR_END: service


if __name__ == "__main__":
    with_uvicorn.main(app, __doc__)
