package pgstore

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// migrations change the schema from one version to the next. yroom.version has the
// number of them that have been applied. Processes of the version before still run
// during an upgrade, so a migration must not break their statements.
var migrations = []string{
	`
CREATE TABLE yroom.version (version bigint NOT NULL);
INSERT INTO yroom.version VALUES (0);

CREATE TABLE yroom.rooms (
  id             bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  name           bytea NOT NULL UNIQUE,
  created_at     timestamptz NOT NULL DEFAULT clock_timestamp(),
  deleted_at     timestamptz,
  first_position bigint NOT NULL DEFAULT 1,
  next_position  bigint NOT NULL,
  generation     bigint NOT NULL DEFAULT 0
) WITH (fillfactor = 50);
COMMENT ON COLUMN yroom.rooms.name IS 'UTF-8, compared by bytes; convert_from(name, ''UTF8'') is the text';
COMMENT ON COLUMN yroom.rooms.deleted_at IS 'set: the room was deleted, and nothing can be added to it';
COMMENT ON COLUMN yroom.rooms.first_position IS 'of the entries since the room was last deleted';
COMMENT ON COLUMN yroom.rooms.next_position IS 'of the next entry; a transaction that changes it has locked the room';
COMMENT ON COLUMN yroom.rooms.generation IS 'how often the room was compacted or deleted';

CREATE TABLE yroom.entries (
  room_id    bigint NOT NULL,
  position   bigint NOT NULL,
  checksum   bigint NOT NULL,
  stored_at  timestamptz NOT NULL,
  encoding   smallint NOT NULL,
  written_by text NOT NULL,
  data       bytea NOT NULL,
  PRIMARY KEY (room_id, position)
);
COMMENT ON TABLE yroom.entries IS 'what was appended to rooms and not compacted yet';
COMMENT ON COLUMN yroom.entries.position IS 'consecutive in a room, in the order of commits';
COMMENT ON COLUMN yroom.entries.checksum IS 'CRC-32C of encoding, data and written_by';
COMMENT ON COLUMN yroom.entries.encoding IS 'of the Yjs update in data: 1 or 2';
COMMENT ON COLUMN yroom.entries.written_by IS 'reserved';

CREATE TABLE yroom.snapshots (LIKE yroom.entries INCLUDING ALL);
COMMENT ON TABLE yroom.snapshots IS 'entries that replace others; each has the position of the newest that it replaced';

CREATE VIEW yroom.room_sizes AS
SELECT
  convert_from(rooms.name, 'UTF8') AS name,
  count(log.position) AS entries,
  coalesce(sum(octet_length(log.data)), 0) AS bytes,
  rooms.created_at,
  max(log.stored_at) AS changed_at,
  rooms.deleted_at
FROM yroom.rooms
LEFT JOIN (
  SELECT room_id, position, stored_at, data FROM yroom.entries
  UNION ALL
  SELECT room_id, position, stored_at, data FROM yroom.snapshots
) AS log ON log.room_id = rooms.id
GROUP BY rooms.id;
`,
	// Processes of the version before add no notices.
	`
CREATE TABLE yroom.notices (
  id       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  webhook  text NOT NULL,
  room     bytea NOT NULL,
  kind     text NOT NULL,
  position bigint NOT NULL,
  first_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  last_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
  ready_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  replayed_at timestamptz,
  revision bigint NOT NULL DEFAULT 1,
  attempts bigint NOT NULL DEFAULT 0,
  fault    text NOT NULL DEFAULT '',
  given_up boolean NOT NULL DEFAULT false
);
COMMENT ON TABLE yroom.notices IS 'events that are to be sent for webhooks';
COMMENT ON COLUMN yroom.notices.id IS 'those of a room are in the order in which it was changed';
COMMENT ON COLUMN yroom.notices.kind IS 'created, changed or deleted';
COMMENT ON COLUMN yroom.notices.position IS 'of the entry that was added last, or of the deletion';
COMMENT ON COLUMN yroom.notices.first_at IS 'of the first change that it stands for';
COMMENT ON COLUMN yroom.notices.ready_at IS 'it can''t be taken before this time; a process that takes it sets this to the end of its lease';
COMMENT ON COLUMN yroom.notices.replayed_at IS 'set: it was given up, and then replayed';
COMMENT ON COLUMN yroom.notices.revision IS 'grows with each change that it stands for';
COMMENT ON COLUMN yroom.notices.attempts IS 'how many attempts to deliver the event have failed';

CREATE UNIQUE INDEX notice_of_change ON yroom.notices (webhook, room) WHERE kind = 'changed' AND NOT given_up;
CREATE INDEX notices_of_room ON yroom.notices (webhook, room, given_up, id);
CREATE INDEX notices_by_time ON yroom.notices (webhook, ready_at) WHERE NOT given_up;
CREATE INDEX notices_given_up ON yroom.notices (webhook, id) WHERE given_up;
`,
	// Notices of connections that join and leave rooms.
	`
ALTER TABLE yroom.notices ADD COLUMN data text NOT NULL DEFAULT '';
COMMENT ON COLUMN yroom.notices.data IS 'of the event, for the kinds connected and disconnected, which belong to no change and have the position 0';
`,
}

// migrationLock is the number of an advisory lock that ends with its transaction: "yroom".
const migrationLock = 0x79726f6f6d

// migrate brings the schema to the newest version. Other processes may do the same at
// the same time.
func (s *Store) migrate(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, largeTimeouts*s.config.Timeout)
	defer cancel()
	conn, err := s.pool.Acquire(ctx)
	if err != nil {
		return err
	}
	defer conn.Release()
	if encoding := conn.Conn().PgConn().ParameterStatus("server_encoding"); encoding != "UTF8" {
		return fmt.Errorf("the encoding of the database is %s: create a database with ENCODING 'UTF8'", encoding)
	}
	// A server can show that the schema exists, and not find its table yet, while another
	// process commits the migration. The lock waits until it has.
	if version, err := schemaVersion(ctx, conn); err != nil && sqlState(err) != undefinedTable || version == len(migrations) {
		return err
	}
	return pgx.BeginTxFunc(ctx, conn, pgx.TxOptions{IsoLevel: pgx.ReadCommitted, AccessMode: pgx.ReadWrite}, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, "SELECT pg_advisory_xact_lock($1)", migrationLock); err != nil {
			return err
		}
		version, err := schemaVersion(ctx, tx)
		if err != nil || version == len(migrations) {
			return err
		}
		// Creating a schema that exists needs a privilege that its owner may lack.
		var exists bool
		if err := tx.QueryRow(ctx, "SELECT EXISTS (SELECT FROM pg_namespace WHERE nspname = 'yroom')").Scan(&exists); err != nil {
			return err
		}
		if !exists {
			if _, err := tx.Exec(ctx, "CREATE SCHEMA yroom"); err != nil {
				return err
			}
		}
		for _, step := range migrations[version:] {
			if _, err := tx.Exec(ctx, step, pgx.QueryExecModeSimpleProtocol); err != nil {
				return err
			}
		}
		_, err = tx.Exec(ctx, "UPDATE yroom.version SET version = $1", len(migrations))
		return err
	})
}

type rowQuerier interface {
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}

// schemaVersion returns the version of the schema, which this build knows, or 0 if there is
// no schema.
func schemaVersion(ctx context.Context, db rowQuerier) (int, error) {
	version, err := storedVersion(ctx, db)
	if err == nil && version > len(migrations) {
		return 0, fmt.Errorf("its schema has version %d, and this build of yroom knows versions up to %d: "+
			"run a newer yroom, or name another database", version, len(migrations))
	}
	return version, err
}

// storedVersion is schemaVersion for any version.
func storedVersion(ctx context.Context, db rowQuerier) (version int, err error) {
	var exists bool
	// The catalog is read as a table, because to_regclass can miss a table that was created
	// while the transaction waited for the lock.
	if err := db.QueryRow(ctx, "SELECT EXISTS (SELECT FROM pg_class WHERE relname = 'version' "+
		"AND relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = 'yroom'))").Scan(&exists); err != nil || !exists {
		return 0, err
	}
	err = db.QueryRow(ctx, "SELECT version FROM yroom.version").Scan(&version)
	if errors.Is(err, pgx.ErrNoRows) {
		return 0, errors.New("the table yroom.version is empty: restore a backup")
	}
	return version, err
}
