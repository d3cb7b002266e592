# Serves the document ROOM at /ws/ROOM, and lets the worker run rooms.

from channels.routing import ChannelNameRouter, ProtocolTypeRouter, URLRouter
from django.core.asgi import get_asgi_application
from django.urls import path

http = get_asgi_application()  # before the models of channels_yroom can be imported

from channels_yroom.channel import YRoomChannelConsumer  # noqa: E402
from channels_yroom.consumer import YroomConsumer  # noqa: E402


class Consumer(YroomConsumer):
    def get_room_name(self):
        return self.scope["url_route"]["kwargs"]["room"]


application = ProtocolTypeRouter({
    "http": http,
    "websocket": URLRouter([path("ws/<str:room>", Consumer.as_asgi())]),
    "channel": ChannelNameRouter({"yroom": YRoomChannelConsumer.as_asgi()}),
})
