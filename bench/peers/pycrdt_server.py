# Serves documents in memory with pycrdt-websocket: python pycrdt_server.py PORT

import asyncio
import sys

import uvicorn
from pycrdt.websocket import ASGIServer, WebsocketServer, exception_logger


class Rooms(WebsocketServer):
    # If two clients open a room at the same time, both start it, and the second one waits until the room ends. So they take turns.
    starting = asyncio.Lock()

    async def start_room(self, room):
        async with self.starting:
            await super().start_room(room)


async def serve(port):
    rooms = Rooms(exception_handler=exception_logger)
    app = ASGIServer(rooms)
    config = uvicorn.Config(app, port=port, log_level="error", ws_max_size=64 << 20, ws_per_message_deflate=False)
    async with rooms:
        await uvicorn.Server(config).serve()


asyncio.run(serve(int(sys.argv[1])))
