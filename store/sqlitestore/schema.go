package sqlitestore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"
)

// applicationID marks a database file as a store of rooms: "yroo".
const applicationID = 0x79726f6f

// migrations change the schema from one version to the next. user_version is the number
// of them that have been applied to a file. SQLite stores their comments with the
// tables, for readers of the file.
var migrations = []string{
	`
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
`,
	// Positions are consecutive in each room; before, they were unique in the file. Entries keep theirs.
	`
DROP VIEW room_sizes;
ALTER TABLE entries RENAME TO entries_1;
ALTER TABLE rooms RENAME TO rooms_1;

CREATE TABLE rooms (
  id             INTEGER PRIMARY KEY,
  name           TEXT NOT NULL UNIQUE,
  created_at     TEXT NOT NULL,              -- all times are UTC
  deleted_at     TEXT,                       -- set: the room was deleted, and nothing can be added to it
  first_position INTEGER NOT NULL DEFAULT 1, -- of the entries since it was last deleted
  generation     INTEGER NOT NULL DEFAULT 0  -- how often it was compacted or deleted
) STRICT;

INSERT INTO rooms
SELECT id, name, created_at, deleted_at, iif(deleted_at IS NULL, 1, (SELECT reserved + 1 FROM positions)), 0
FROM rooms_1;

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

INSERT INTO entries
SELECT room_id, position, encoding, data, checksum, stored_at, ''
FROM entries_1
ORDER BY position;

DROP TABLE entries_1;
DROP TABLE rooms_1;
DROP TABLE positions;

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
`,
	// Updates and snapshots are in tables of their own. Updates are many and small: their table
	// has no index beside it, so an append changes one page. What was in the one table before is
	// now in snapshots, without being copied. The new table of updates has another name than that
	// one, so that a process of an older version can't write to it.
	`
DROP VIEW room_sizes;
ALTER TABLE entries RENAME TO snapshots; -- and, from before version 3, updates

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
`,
	// Large updates are in the table of snapshots, too (mostInUpdates). 0 marks them, and NULL an
	// entry from before version 4, which may be either.
	`
ALTER TABLE snapshots ADD COLUMN is_snapshot INTEGER;
`,
	// Notices for webhooks.
	`
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
`,
	// Notices of the kinds connected and disconnected, which have data, and the position 0.
	`
ALTER TABLE notices ADD COLUMN data TEXT NOT NULL DEFAULT '';
`,
}

var (
	errForeign = errors.New("it is a database of another program: name another file")
	errNoWAL   = errors.New("its file system doesn't support a write-ahead log: put the file on a local disk")
)

// prepare migrates the file to the newest schema. The error says why the file can't be
// a store of rooms. Other processes may do the same at the same time.
func prepare(ctx context.Context, conn *sql.Conn, wait time.Duration) error {
	if _, err := schemaVersion(ctx, conn); err != nil {
		return err
	}
	if err := useWAL(ctx, conn, wait); err != nil {
		return err
	}
	if _, err := conn.ExecContext(ctx, "BEGIN IMMEDIATE"); err != nil {
		return err
	}
	err := migrate(ctx, conn)
	if err == nil {
		// This changes nothing, but fails if the file is read-only. The statements before it
		// don't.
		_, err = conn.ExecContext(ctx, "UPDATE rooms SET name = name WHERE false")
	}
	if err != nil {
		_, _ = conn.ExecContext(ctx, "ROLLBACK") // err is the cause
		return err
	}
	_, err = conn.ExecContext(ctx, "COMMIT")
	return err
}

// schemaVersion returns the version of the file's schema, which this build knows: 0 for an
// empty file.
func schemaVersion(ctx context.Context, conn *sql.Conn) (int, error) {
	version, err := storedVersion(ctx, conn)
	if err == nil && version > len(migrations) {
		return 0, fmt.Errorf("its schema has version %d, and this build of yroom knows versions up to %d: "+
			"run a newer yroom, or name another file", version, len(migrations))
	}
	return version, err
}

// storedVersion is schemaVersion for any version.
func storedVersion(ctx context.Context, conn *sql.Conn) (int, error) {
	var id, version, tables int
	err := conn.QueryRowContext(ctx, "SELECT (SELECT application_id FROM pragma_application_id), "+
		"(SELECT user_version FROM pragma_user_version), (SELECT count(*) FROM sqlite_schema)").Scan(&id, &version, &tables)
	switch {
	case err != nil:
		return 0, err
	case id != applicationID && (id != 0 || version != 0 || tables != 0):
		return 0, errForeign
	}
	return version, nil
}

func migrate(ctx context.Context, conn *sql.Conn) error {
	version, err := schemaVersion(ctx, conn)
	if err != nil || version == len(migrations) {
		return err
	}
	for _, step := range migrations[version:] {
		if _, err := conn.ExecContext(ctx, step); err != nil {
			return err
		}
	}
	_, err = conn.ExecContext(ctx, fmt.Sprintf("PRAGMA application_id = %d; PRAGMA user_version = %d", applicationID, len(migrations)))
	return err
}

// useWAL makes the file use a write-ahead log. It tries again while another process
// does the same, because SQLite doesn't wait in this case.
func useWAL(ctx context.Context, conn *sql.Conn, wait time.Duration) error {
	var mode string
	for began := time.Now(); ; time.Sleep(10 * time.Millisecond) {
		err := conn.QueryRowContext(ctx, "PRAGMA journal_mode = WAL").Scan(&mode)
		if code(err) == busy && time.Since(began) < wait {
			continue
		}
		if err == nil && mode != "wal" {
			err = errNoWAL
		}
		return err
	}
}
