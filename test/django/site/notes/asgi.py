# Serves the document ROOM at /ws/ROOM, for clients that may only read with ?readonly, and
# exports at /METHOD/ROOM/ROOT. The consumers at /closing/ROOM tell clients why they are closed.
# The consumers are those of the documentation.

from channels.routing import ProtocolTypeRouter, URLRouter
from django.core.asgi import get_asgi_application
from django.utils.asyncio import async_unsafe
from django.urls import path

http = get_asgi_application()  # before the models of channels_yroom can be imported

from documented import Closing, Consumer  # noqa: E402


class User:
    def __init__(self, may_change):
        self.may_change = may_change

    @async_unsafe  # as that of Django, which reads the database
    def has_perm(self, permission):
        assert permission == "notes.change_note"
        return self.may_change


def login(app):
    async def inner(scope, receive, send):
        return await app({**scope, "user": User(b"readonly" not in scope["query_string"])}, receive, send)

    return inner


application = ProtocolTypeRouter({
    "http": http,
    "websocket": login(URLRouter([path("ws/<str:room>", Consumer.as_asgi()), path("closing/<str:room>", Closing.as_asgi())])),
})
