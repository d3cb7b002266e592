"""A Django app with the views of docs/authentication.md: python app.py VIEWS SECRET

VIEWS is a file with the Python of that page. The app prints its port. The cookie "session" stands for a login: its
value is the name of the user. Only ada may open rooms that begin with "ada-".
"""
import sys
from pathlib import Path
from wsgiref.simple_server import WSGIRequestHandler, make_server

import django
from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.urls import path

views = {"__name__": "views", "may_open": lambda user, room: not room.startswith("ada-") or user.pk == "ada"}


class User:
    is_authenticated = True

    def __init__(self, name):
        self.pk = name

    def get_full_name(self):
        return self.pk.title()


class Stranger:
    is_authenticated = False


def login(get_response):
    def middleware(request):
        name = request.COOKIES.get("session")
        request.user = User(name) if name else Stranger()
        return get_response(request)

    return middleware


class Quiet(WSGIRequestHandler):
    def log_message(self, *args):
        pass


if __name__ == "__main__":
    settings.configure(
        ALLOWED_HOSTS=["*"], ROOT_URLCONF="__main__", MIDDLEWARE=["__main__.login"], SECRET_KEY="for tests", YROOM_SECRET=sys.argv[2]
    )
    django.setup()
    exec(Path(sys.argv[1]).read_text(), views)
    urlpatterns = [path("rooms/<str:room>/token", views["room_token"]), path("room-access", views["room_access"])]
    server = make_server("127.0.0.1", 0, get_wsgi_application(), handler_class=Quiet)
    print(server.server_port, flush=True)
    server.serve_forever()
