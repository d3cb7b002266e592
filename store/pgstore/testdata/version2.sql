-- The second version of the schema, and a room.

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

UPDATE yroom.version SET version = 2;
INSERT INTO yroom.rooms (name, next_position) VALUES ('first', 2);
INSERT INTO yroom.entries (room_id, position, checksum, stored_at, encoding, written_by, data)
SELECT id, 1, 1903099844, now(), 1, '', 'a' FROM yroom.rooms;
