-- The first version of the schema, and rooms without their entries.

CREATE TABLE rooms (
  id         INTEGER PRIMARY KEY,
  name       TEXT NOT NULL UNIQUE,
  created_at TEXT NOT NULL, -- all times are UTC
  deleted_at TEXT           -- set: the room was deleted, and nothing can be added to it
) STRICT;

CREATE TABLE entries (
  position  INTEGER PRIMARY KEY, -- never used twice, says nothing about order
  room_id   INTEGER NOT NULL REFERENCES rooms (id),
  encoding  TEXT NOT NULL,       -- of the Yjs update in data: v1 or v2
  data      BLOB NOT NULL,
  checksum  INTEGER NOT NULL,    -- CRC-32C of the encoding and the data
  stored_at TEXT NOT NULL
) STRICT;

CREATE INDEX entries_of_room ON entries (room_id);

-- Processes take positions in blocks, so that none is used twice whatever gets lost.
CREATE TABLE positions (
  reserved INTEGER NOT NULL -- up to this one they are taken
) STRICT;

INSERT INTO positions VALUES (0);

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

UPDATE positions SET reserved = 2000000;
INSERT INTO rooms VALUES
  (1, 'first', '2024-05-06 07:08:09.000', NULL),
  (2, 'second', '2024-05-06 07:08:09.000', NULL),
  (3, 'deleted', '2024-05-06 07:08:09.000', '2024-05-06 07:08:10.000');

PRAGMA application_id = 0x79726f6f;
PRAGMA user_version = 1;
