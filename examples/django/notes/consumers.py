from channels.db import database_sync_to_async
from channels_yroom.consumer import YroomConsumer

from notes.access import may_write


# Adds options to the messages of a consumer, which the worker of yroom enforces.
class Options:
    def __init__(self, layer, options):
        self.layer, self.options = layer, options

    def __getattr__(self, name):
        return getattr(self.layer, name)

    async def send(self, channel, message):
        await self.layer.send(channel, {**message, "options": self.options})


class NoteConsumer(YroomConsumer):
    def get_room_name(self):
        return "note." + self.scope["url_route"]["kwargs"]["note"]

    async def connect(self):
        user = self.scope["user"]
        if not user.is_authenticated:
            await self.close()
            return
        if not await database_sync_to_async(may_write)(user):
            self.channel_layer = Options(self.channel_layer, {"allow_write": False})
        await super().connect()

    async def disconnect(self, code):
        if self.scope["user"].is_authenticated:
            await super().disconnect(code)
