# Serves the document ROOM at /ws/ROOM, for clients that may only read with ?readonly, and
# exports at /METHOD/ROOM/ROOT.

from channels.routing import ProtocolTypeRouter, URLRouter
from django.core.asgi import get_asgi_application
from django.urls import path

http = get_asgi_application()  # before the models of channels_yroom can be imported

from notes.consumers import Consumer  # noqa: E402

application = ProtocolTypeRouter({
    "http": http,
    "websocket": URLRouter([path("ws/<str:room>", Consumer.as_asgi())]),
})
