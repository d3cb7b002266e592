"""Makes an SQLiteYStore of pycrdt-store, and NAME.update for each document in a folder."""

import sys
from pathlib import Path

import anyio
from pycrdt import Doc, Map, Text
from pycrdt.store import SQLiteYStore


class Store(SQLiteYStore):
    db_path = sys.argv[1]
    checkpoint_interval = 7


async def save(name, edits):
    doc = Doc()
    text, map_ = doc.get("text", type=Text), doc.get("map", type=Map)
    updates = []
    held = doc.observe(lambda event: updates.append(event.update))  # noqa: F841
    for n in range(edits):
        with doc.transaction():
            text += f"edit {n} é; "
            if n % 3 == 2:
                del text[0:4]
            map_[f"key{n % 4}"] = n
    async with Store(name) as store:
        for update in updates:
            await store.write(update)
    path = Path(sys.argv[2]) / f"{name}.update"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(doc.get_update())


async def main():
    for name, edits in (("notes", 60), ("folder/ü", 3), ("one", 1)):
        await save(name, edits)


anyio.run(main)
