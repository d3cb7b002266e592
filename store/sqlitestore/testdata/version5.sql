-- The fifth version of the schema, and rooms without their entries.

CREATE TABLE rooms (
  id             INTEGER PRIMARY KEY,
  name           TEXT NOT NULL UNIQUE,
  created_at     TEXT NOT NULL,              -- all times are UTC
  deleted_at     TEXT,                       -- set: the room was deleted, and nothing can be added to it
  first_position INTEGER NOT NULL DEFAULT 1, -- of the entries since it was last deleted
  generation     INTEGER NOT NULL DEFAULT 0  -- how often it was compacted or deleted
) STRICT;

CREATE TABLE snapshots (
  room_id    INTEGER NOT NULL REFERENCES rooms (id),
  position   INTEGER NOT NULL, -- in the order of storing; a snapshot has that of the newest entry it replaced
  encoding   TEXT NOT NULL,    -- of the Yjs update in data: v1 or v2
  data       BLOB NOT NULL,
  checksum   INTEGER NOT NULL, -- CRC-32C of encoding, data and written_by
  stored_at  TEXT NOT NULL,
  written_by TEXT NOT NULL,    -- reserved
  is_snapshot INTEGER, -- or a large update; NULL: from before version 4
  PRIMARY KEY (room_id, position)
) STRICT;

CREATE TABLE updates (
  room_id    INTEGER NOT NULL REFERENCES rooms (id),
  position   INTEGER NOT NULL, -- in the order of storing; those of a room are in one order with its snapshots
  encoding   TEXT NOT NULL,    -- of the Yjs update in data: v1 or v2
  checksum   INTEGER NOT NULL, -- CRC-32C of encoding, data and written_by
  stored_at  TEXT NOT NULL,    -- UTC
  written_by TEXT NOT NULL,    -- reserved
  data       BLOB NOT NULL,
  PRIMARY KEY (room_id, position)
) STRICT, WITHOUT ROWID;

-- All entries of the rooms.
CREATE VIEW entries AS
SELECT room_id, position, encoding, checksum, stored_at, written_by, data FROM snapshots
UNION ALL
SELECT room_id, position, encoding, checksum, stored_at, written_by, data FROM updates;

CREATE VIEW room_sizes AS
SELECT
  name,
  (SELECT count(*) FROM snapshots WHERE room_id = rooms.id) + (SELECT count(*) FROM updates WHERE room_id = rooms.id) AS entries,
  (SELECT coalesce(sum(length(data)), 0) FROM snapshots WHERE room_id = rooms.id)
    + (SELECT coalesce(sum(length(data)), 0) FROM updates WHERE room_id = rooms.id) AS bytes,
  created_at,
  (SELECT max(stored_at) FROM (
    SELECT stored_at FROM snapshots WHERE room_id = rooms.id UNION ALL SELECT stored_at FROM updates WHERE room_id = rooms.id
  )) AS changed_at,
  deleted_at
FROM rooms
ORDER BY name;

CREATE TABLE notices (
  id       INTEGER PRIMARY KEY AUTOINCREMENT, -- those of a room are in the order in which it was changed
  webhook  TEXT NOT NULL,
  room     TEXT NOT NULL,
  kind     TEXT NOT NULL,              -- created, changed or deleted
  position INTEGER NOT NULL,           -- of the entry that was added last, or of the deletion
  first_at TEXT NOT NULL,              -- UTC: of the first change that it stands for
  last_at  TEXT NOT NULL,              -- of the last one
  ready_at TEXT NOT NULL,              -- it can't be taken before this time; a process that takes it sets this to the end of its lease
  replayed_at TEXT,                    -- set: it was given up, and then replayed
  revision INTEGER NOT NULL DEFAULT 1, -- grows with each change that it stands for
  attempts INTEGER NOT NULL DEFAULT 0, -- how many attempts to deliver the event have failed
  fault    TEXT NOT NULL DEFAULT '',   -- of the last attempt
  given_up INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE UNIQUE INDEX notice_of_change ON notices (webhook, room) WHERE kind = 'changed' AND given_up = 0;
CREATE INDEX notices_of_room ON notices (webhook, room, given_up, id);
CREATE INDEX notices_by_time ON notices (webhook, ready_at) WHERE given_up = 0;
CREATE INDEX notices_given_up ON notices (webhook, id) WHERE given_up = 1;

INSERT INTO rooms VALUES
  (1, 'first', '2024-05-06 07:08:09.000', NULL, 1, 0),
  (2, 'second', '2024-05-06 07:08:09.000', NULL, 1, 1),
  (3, 'deleted', '2024-05-06 07:08:09.000', '2024-05-06 07:08:10.000', 2000001, 1);

PRAGMA application_id = 0x79726f6f;
PRAGMA user_version = 5;
