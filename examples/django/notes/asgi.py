import os

from channels.auth import AuthMiddlewareStack
from channels.routing import ProtocolTypeRouter, URLRouter
from channels.security.websocket import AllowedHostsOriginValidator
from django.core.asgi import get_asgi_application
from django.urls import path

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "notes.settings")
http = get_asgi_application()  # before the models of channels_yroom can be imported

from notes.consumers import NoteConsumer  # noqa: E402

application = ProtocolTypeRouter({
    "http": http,
    "websocket": AllowedHostsOriginValidator(AuthMiddlewareStack(URLRouter([path("ws/note.<slug:note>", NoteConsumer.as_asgi())]))),
})
