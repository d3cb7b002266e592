# Prints the settings of a Django project for a worker of yroom, as a file yroom.yaml:
#
#     python manage.py shell --verbosity 0 < yroom_settings.py > yroom.yaml
#
# Comments in the result say what can't be taken over. The file may contain passwords.

import json
from urllib.parse import quote, urlencode

from channels_yroom.conf import DEFAULTS
from django.conf import settings


def store_url(row):
    backend = row["STORAGE_BACKEND"]
    if backend.rpartition(".")[2] in ("YDocMemoryStorage", "YDocDummyStorage"):
        return "memory:"
    if backend != DEFAULTS["STORAGE_BACKEND"]:
        return f"# STORAGE_BACKEND is {backend}: set the address of a store"
    database = settings.DATABASES["default"]
    if database["ENGINE"].endswith("sqlite3"):
        return f"sqlite+django:{database['NAME']}"
    if not database["ENGINE"].endswith("postgresql"):
        return f"# {database['ENGINE']} is not supported: set the address of another store"
    user, password, host, port, name = (
        quote(str(database.get(key) or other), safe="")
        for key, other in (("USER", ""), ("PASSWORD", ""), ("HOST", "127.0.0.1"), ("PORT", 5432), ("NAME", ""))
    )
    return f"postgres+django://{user}{':' + password if password else ''}@{host}:{port}/{name}"


def host_url(host):
    if isinstance(host, dict) and set(host) == {"sentinels", "master_name"}:
        return f"redis-sentinel://{','.join(f'{name}:{port}' for name, port in host['sentinels'])}/{host['master_name']}"
    if isinstance(host, dict) and set(host) == {"address"}:
        host = host["address"]
    if isinstance(host, (list, tuple)):
        return f"redis://{host[0]}:{host[1]}"
    return host if isinstance(host, str) and "://" in host and "?" not in host else None


def layer_url():
    layer = settings.CHANNEL_LAYERS["default"]
    config = layer.get("CONFIG", {})
    hosts = [host_url(host) for host in config.get("hosts", ["redis://127.0.0.1:6379"])]
    if None in hosts or len(hosts) > 1 and any(host.startswith("redis-sentinel:") for host in hosts):
        return "# the hosts of CHANNEL_LAYERS can't be taken over: set the address of the layer"
    parameters = {key: config[key] for key in ("prefix", "capacity", "expiry") if key in config}
    if layer["BACKEND"].endswith("RedisPubSubChannelLayer"):
        parameters["type"] = "pubsub"
    if config.get("symmetric_encryption_keys"):
        parameters["keys"] = "keys.txt"  # a file with one key in each line
    address = ",".join([hosts[0]] + [host.partition("://")[2] for host in hosts[1:]])
    return f"django+{address}" + (f"?{urlencode(parameters)}" if parameters else "")


def line(key, value, indent=""):
    if isinstance(value, str) and value.startswith("# "):
        print(f"{indent}# {key}: {value[2:]}")
    else:
        print(f"{indent}{key}: {json.dumps(value)}")


def print_row(name, row):
    print(f"  {json.dumps(name)}:")
    line("remove_delay", f"{row['REMOVE_ROOM_DELAY']}s" if row["REMOVE_ROOM_DELAY"] else "1ms", "    ")  # 0s stands for the default
    if row.get("AUTOSAVE_DELAY"):
        line("autosave_delay", f"{row['AUTOSAVE_DELAY']}s", "    ")
    line("store", store_url(row), "    ")
    line("update_version", row["PROTOCOL_VERSION"], "    ")
    line("server_start_sync", bool(row["SERVER_START_SYNC"]), "    ")
    if row["PROTOCOL_NAME_PREFIX"]:
        print("    # PROTOCOL_NAME_PREFIX is not supported behind Django")


# A row takes nothing from the row "default".
rows = {name: {**DEFAULTS, **row} for name, row in getattr(settings, "YROOM_SETTINGS", {}).items()}
rows = {"default": DEFAULTS.copy(), **rows}
line("layer", layer_url())
line("channel", sorted({row["CHANNEL_NAME"] for row in rows.values()}))
print("rooms:")
for name, row in rows.items():
    print_row(name, row)
