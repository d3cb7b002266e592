# A project whose documents people edit through channels-yroom. Variables of the environment
# choose the channel layer.

import json
import os
from urllib.parse import urlsplit


def host_of(address):
    if address.startswith("{"):
        return json.loads(address)
    url = urlsplit(address)
    if url.scheme == "redis-sentinel":
        return {"sentinels": [(url.hostname, url.port)], "master_name": url.path[1:]}
    return address


SECRET_KEY = "for tests"
ALLOWED_HOSTS = ["*"]
INSTALLED_APPS = ["channels", "channels_yroom"]
USE_TZ = True
ROOT_URLCONF = "notes.urls"
ASGI_APPLICATION = "notes.asgi.application"

layer = os.environ.get("LAYER", "core")
config = {"hosts": [host_of(address) for address in os.environ["REDIS"].split(" ")]}
if os.environ.get("KEYS"):
    config["symmetric_encryption_keys"] = os.environ["KEYS"].split(",")
if os.environ.get("CAPACITY"):
    config["capacity"] = int(os.environ["CAPACITY"])
CHANNEL_LAYERS = {
    "default": {
        "BACKEND": {
            "core": "channels_redis.core.RedisChannelLayer",
            "pubsub": "channels_redis.pubsub.RedisPubSubChannelLayer",
        }[layer],
        "CONFIG": config,
    },
}
database = os.environ.get("DATABASE")  # without it, documents are in memory
if database:
    DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": database}}
if database and database.startswith("postgres://"):
    url = urlsplit(database)
    DATABASES = {
        "default": {
            "ENGINE": "django.db.backends.postgresql",
            "NAME": url.path[1:],
            "USER": url.username,
            "PASSWORD": url.password,
            "HOST": url.hostname,
            "PORT": url.port,
        },
    }
YROOM_SETTINGS = {
    "default": {
        "STORAGE_BACKEND": "channels_yroom.storage.YDocDatabaseStorage" if database else "channels_yroom.storage.YDocMemoryStorage",
        # Clients of y-websocket read one message of a frame.
        "PROTOCOL_DISABLE_PIPELINING": True,
    },
}
YROOM_SETTINGS.update(json.loads(os.environ.get("ROOMS", "{}")))
