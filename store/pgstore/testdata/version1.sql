-- The first version of the schema, and a room.

CREATE SCHEMA yroom;

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

UPDATE yroom.version SET version = 1;
INSERT INTO yroom.rooms (name, next_position) VALUES ('first', 2);
INSERT INTO yroom.entries (room_id, position, checksum, stored_at, encoding, written_by, data)
SELECT id, 1, 1903099844, now(), 1, '', 'a' FROM yroom.rooms;
