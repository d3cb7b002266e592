from channels_yroom.consumer import YroomConsumer


class Options:
    """Adds the options of a client to what its consumer sends to the worker."""

    def __init__(self, layer, options):
        self.layer, self.options = layer, options

    def __getattr__(self, name):
        return getattr(self.layer, name)

    async def send(self, channel, message):
        await self.layer.send(channel, {**message, "options": self.options})


class Consumer(YroomConsumer):
    def get_room_name(self):
        return self.scope["url_route"]["kwargs"]["room"]

    async def connect(self):
        if b"readonly" in self.scope["query_string"]:
            self.channel_layer = Options(self.channel_layer, {"allow_write": False})
        await super().connect()
