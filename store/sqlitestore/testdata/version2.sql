-- The second version of the schema, and rooms without their entries.

CREATE TABLE rooms (
  id             INTEGER PRIMARY KEY,
  name           TEXT NOT NULL UNIQUE,
  created_at     TEXT NOT NULL,              -- all times are UTC
  deleted_at     TEXT,                       -- set: the room was deleted, and nothing can be added to it
  first_position INTEGER NOT NULL DEFAULT 1, -- of the entries since it was last deleted
  generation     INTEGER NOT NULL DEFAULT 0  -- how often it was compacted or deleted
) STRICT;

CREATE TABLE entries (
  room_id    INTEGER NOT NULL REFERENCES rooms (id),
  position   INTEGER NOT NULL, -- in the order of storing; a snapshot has that of the newest entry it replaced
  encoding   TEXT NOT NULL,    -- of the Yjs update in data: v1 or v2
  data       BLOB NOT NULL,
  checksum   INTEGER NOT NULL, -- CRC-32C of encoding, data and written_by
  stored_at  TEXT NOT NULL,
  written_by TEXT NOT NULL,    -- reserved
  PRIMARY KEY (room_id, position)
) STRICT;

CREATE VIEW room_sizes AS
SELECT
  rooms.name,
  count(entries.position) AS entries,
  coalesce(sum(length(entries.data)), 0) AS bytes,
  rooms.created_at,
  max(entries.stored_at) AS changed_at,
  rooms.deleted_at
FROM rooms LEFT JOIN entries ON entries.room_id = rooms.id
GROUP BY rooms.id
ORDER BY rooms.name;

INSERT INTO rooms VALUES
  (1, 'first', '2024-05-06 07:08:09.000', NULL, 1, 0),
  (2, 'second', '2024-05-06 07:08:09.000', NULL, 1, 1),
  (3, 'deleted', '2024-05-06 07:08:09.000', '2024-05-06 07:08:10.000', 2000001, 1);

PRAGMA application_id = 0x79726f6f;
PRAGMA user_version = 2;
