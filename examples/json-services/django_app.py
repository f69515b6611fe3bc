"""A small JSON object by Django, under gunicorn.

With the middleware that `django-admin startproject` sets up, or with
`--bare` only the one that counts the body's bytes. Neither touches a
database here.

    python examples/json-services/django_app.py
    python examples/json-services/django_app.py --bare
"""

import argparse

import common
import django
import with_gunicorn
from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.http import HttpRequest, JsonResponse
from django.urls import path

# ANCHOR: middleware
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
# ANCHOR_END: middleware
# The one that sets Content-Length.
BARE = ["django.middleware.common.CommonMiddleware"]


def person(request: HttpRequest) -> JsonResponse:
    languages = ["Python", "Rust"]
    return JsonResponse(
        {"id": 7, "name": "Ada", "languages": languages, "active": True},
        json_dumps_params={"separators": (",", ":")},
    )


urlpatterns = [path("json", person)]


def configure(middleware: list[str]) -> None:
    settings.configure(
        ALLOWED_HOSTS=["127.0.0.1"],
        INSTALLED_APPS=[
            "django.contrib.auth",
            "django.contrib.contenttypes",
            "django.contrib.sessions",
            "django.contrib.messages",
        ],
        MIDDLEWARE=middleware,
        ROOT_URLCONF=__name__,
        # Signs sessions and cookies, of which there are none here.
        SECRET_KEY="only for measuring",
    )
    django.setup()


def serve(where: common.Address, chosen: argparse.Namespace) -> None:
    configure(BARE if chosen.bare else MIDDLEWARE)
    with_gunicorn.serve(get_wsgi_application(), where, chosen)


if __name__ == "__main__":
    options = with_gunicorn.parser(__doc__)
    options.add_argument(
        "--bare", action="store_true", help="with one middleware of seven"
    )
    common.main(serve, options)
