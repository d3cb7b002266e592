# A project that does nothing but serve documents with channels-yroom. They are kept in memory.

import os

SECRET_KEY = "for benchmarks"
ALLOWED_HOSTS = ["*"]
INSTALLED_APPS = ["channels", "channels_yroom"]
USE_TZ = True
ASGI_APPLICATION = "peer.asgi.application"
CHANNEL_LAYERS = {
    "default": {
        "BACKEND": "channels_redis.core.RedisChannelLayer",
        # By default a channel holds 100 messages, and those that come then are lost.
        "CONFIG": {"hosts": [os.environ["REDIS"]], "capacity": 100_000},
    },
}
YROOM_SETTINGS = {
    "default": {
        "STORAGE_BACKEND": "channels_yroom.storage.YDocMemoryStorage",
        # Clients of y-websocket read one message of a frame.
        "PROTOCOL_DISABLE_PIPELINING": True,
    },
}
