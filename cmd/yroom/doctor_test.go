package main

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"github.com/yroom/yroom/blocks"
	"github.com/yroom/yroom/internal/testkit"
	"github.com/yroom/yroom/internal/testkit/postgres"
	"github.com/yroom/yroom/store"
	"github.com/yroom/yroom/store/pgstore"
	"github.com/yroom/yroom/store/sqlitestore"
	"github.com/yroom/yroom/yjs"
)

// patient is a store that is examined.
type patient struct {
	store.Store

	url  string
	exec func(t *testing.T, query string, args ...any) // changes what is stored, behind the back of the store
	name func(room string) any                         // as the database has it
}

func sqlitePatient(t *testing.T) *patient {
	t.Helper()
	path := filepath.Join(t.TempDir(), "yroom.db")
	s, err := sqlitestore.Open(path, sqlitestore.Config{Shared: true, Durability: func(string) store.Durability { return store.DurabilityCommit }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return &patient{
		Store: s, url: "sqlite:" + path,
		exec: func(t *testing.T, query string, args ...any) {
			t.Helper()
			db, err := sql.Open("sqlite", path)
			if err != nil {
				t.Fatal(err)
			}
			result, err := db.Exec(query, args...)
			if err = errors.Join(err, db.Close()); err != nil {
				t.Fatal(err)
			}
			if n, _ := result.RowsAffected(); n == 0 && !strings.HasPrefix(query, "PRAGMA") {
				t.Fatalf("%s changes nothing", query)
			}
		},
		name: func(room string) any { return room },
	}
}

func postgresPatient(t *testing.T) *patient {
	t.Helper()
	server := postgres.Start(t)
	url := server.URL(server.Create(t))
	s, err := pgstore.Open(t.Context(), url, pgstore.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	tables := strings.NewReplacer("updates", "yroom.entries", "snapshots", "yroom.snapshots", "rooms", "yroom.rooms", "?1", "$1", "?2", "$2")
	return &patient{
		Store: s, url: url,
		exec: func(t *testing.T, query string, args ...any) {
			t.Helper()
			ctx := context.Background()
			conn, err := pgx.Connect(ctx, url)
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close(ctx)
			result, err := conn.Exec(ctx, tables.Replace(query), args...)
			if err != nil {
				t.Fatal(err)
			}
			if result.RowsAffected() == 0 {
				t.Fatalf("%s changes nothing", query)
			}
		},
		name: func(room string) any { return []byte(room) },
	}
}

func eachPatient(t *testing.T, test func(t *testing.T, p *patient)) {
	t.Helper()
	t.Run("SQLite", func(t *testing.T) { test(t, sqlitePatient(t)) })
	t.Run("PostgreSQL", func(t *testing.T) { test(t, postgresPatient(t)) })
}

// inspect opens the store as doctor does.
func (p *patient) inspect(t *testing.T) inspection {
	t.Helper()
	opened, err := inspect(t.Context(), p.url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = opened.Close() }) // it was only read
	return opened
}

func (p *patient) overview(t *testing.T) store.Overview {
	t.Helper()
	all, err := p.inspect(t).Overview(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// add appends updates to a room.
func (p *patient) add(t *testing.T, room string, updates ...[]byte) {
	t.Helper()
	for _, u := range updates {
		if _, err := p.Append(t.Context(), room, store.Entry{Encoding: store.V1, Data: u}); err != nil {
			t.Fatal(err)
		}
	}
}

// compact replaces the log of a room by a snapshot.
func (p *patient) compact(t *testing.T, room string) {
	t.Helper()
	log, err := p.Load(t.Context(), room)
	if err != nil {
		t.Fatal(err)
	}
	doc := blocks.New()
	for _, e := range log.Entries {
		if err := doc.Load(e.Data, blocks.Encoding(e.Encoding)); err != nil {
			t.Fatal(err)
		}
	}
	if err := p.Compact(t.Context(), room, log, store.Entry{Encoding: store.V2, Data: doc.Encode(blocks.V2)}); err != nil {
		t.Fatal(err)
	}
}

// change changes the entries of a room, in a table.
func (p *patient) change(t *testing.T, room, query string) {
	t.Helper()
	p.exec(t, query+" AND room_id = (SELECT id FROM rooms WHERE name = ?1)", p.name(room))
}

// doctor runs "yroom doctor --json", and returns the kinds of findings by room, the last
// line, and the exit status.
func doctorJSON(t *testing.T, p *patient, args ...string) (kinds map[string][]string, totals doctorReport, status int) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "yroom", append([]string{"doctor", "--json", "--store", p.url}, args...)...)
	cmd.Stderr = t.Output()
	out, err := cmd.Output()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		status = exit.ExitCode()
	} else if err != nil {
		t.Fatal(err)
	}
	kinds = map[string][]string{}
	lines := bytes.Split(bytes.TrimSpace(out), []byte("\n"))
	for i, line := range lines {
		var f finding
		if len(line) == 0 { // there is only an error
			break
		}
		if i == len(lines)-1 {
			err = json.Unmarshal(line, &totals)
		} else if err = json.Unmarshal(line, &f); f.Kind != "" {
			kinds[f.Room] = append(kinds[f.Room], f.Kind)
			if f.Detail == "" || f.Means == "" || f.Advice == "" {
				t.Errorf("a finding without words: %s", line)
			}
			t.Logf("%s: %s: %s", f.Room, f.Kind, f.Detail)
		}
		if err != nil {
			t.Fatalf("%v: %s", err, line)
		}
	}
	return kinds, totals, status
}

// typedTwice returns two updates of a client, the second of which continues the first.
func typedTwice(client uint64) (first, second []byte) {
	return testkit.Typed(client, 0, "hello"), testkit.Typed(client, 5, " world")
}

// planted are faults, each in a room of its own, with the kinds of findings for it.
var planted = []struct {
	room  string
	plant func(t *testing.T, p *patient, room string)
	want  []string
}{
	{"flipped byte in a snapshot", func(t *testing.T, p *patient, room string) {
		first, second := typedTwice(1)
		p.add(t, room, first, second)
		p.compact(t, room)
		log, err := p.Load(t.Context(), room)
		if err != nil {
			t.Fatal(err)
		}
		data := log.Entries[0].Data
		data[len(data)/2] ^= 4
		p.exec(t, "UPDATE snapshots SET data = ?2 WHERE room_id = (SELECT id FROM rooms WHERE name = ?1)", p.name(room), data)
	}, []string{kindDamaged}},
	{"truncated update", func(t *testing.T, p *patient, room string) {
		first, second := typedTwice(1)
		p.add(t, room, first, second)
		p.change(t, room, "UPDATE updates SET data = substr(data, 1, 7) WHERE position = 2")
	}, []string{kindDamaged}},
	{"missing entry in the middle", func(t *testing.T, p *patient, room string) {
		first, second := typedTwice(1)
		p.add(t, room, first, second, testkit.Typed(1, 11, "!"))
		p.change(t, room, "DELETE FROM updates WHERE position = 2")
	}, []string{kindGap, kindPending}},
	{"missing snapshot", func(t *testing.T, p *patient, room string) {
		first, second := typedTwice(1)
		p.add(t, room, first)
		p.compact(t, room)
		p.add(t, room, second)
		p.change(t, room, "DELETE FROM snapshots WHERE position = 1")
	}, []string{kindGap, kindPending}},
	{"missing entry before a large update", func(t *testing.T, p *patient, room string) {
		p.add(t, room, testkit.Typed(1, 0, "a"), testkit.Typed(2, 0, "b"), testkit.Typed(3, 0, strings.Repeat("paste ", 1000)))
		p.change(t, room, "DELETE FROM updates WHERE position = 2")
	}, []string{kindGap}},
	{"missing entry between a snapshot and a large update", func(t *testing.T, p *patient, room string) {
		p.add(t, room, testkit.Typed(1, 0, strings.Repeat("text ", 1000)))
		p.compact(t, room)
		p.add(t, room, testkit.Typed(2, 0, "b"), testkit.Typed(3, 0, strings.Repeat("paste ", 1000)))
		p.change(t, room, "DELETE FROM updates WHERE position = 2")
	}, []string{kindGap}},
	{"no entries", func(t *testing.T, p *patient, room string) {
		p.add(t, room, testkit.Typed(1, 0, "a"))
		p.change(t, room, "DELETE FROM updates WHERE position = 1")
	}, []string{kindEmpty}},
	{"duplicate", func(t *testing.T, p *patient, room string) {
		first, second := typedTwice(1)
		p.add(t, room, first, second, first)
	}, []string{kindDuplicate}},
	{"GC blocks lost", func(t *testing.T, p *patient, room string) {
		// Client 1 has element 5 and the following, client 2 continues them.
		p.add(t, room, []byte("\x01\x01\x01\x05\x04\x01\x04text\x03abc\x00"), testkit.Typed(2, 0, "x"))
	}, []string{kindHole}},
	{"an encoding of another program", func(t *testing.T, p *patient, room string) {
		p.add(t, room, testkit.Typed(1, 0, "a"))
		set := "UPDATE updates SET encoding = 'v9' WHERE position = 1"
		if strings.HasPrefix(p.url, "postgres") {
			set = "UPDATE updates SET encoding = 9 WHERE position = 1"
		}
		p.change(t, room, set)
	}, []string{kindDamaged}},
	{"an update that was compressed", func(t *testing.T, p *patient, room string) {
		p.add(t, room, []byte("\x1f\x8b\x08\x00\x00\x00\x00\x00"))
	}, []string{kindForeign}},
	{"JSON", func(t *testing.T, p *patient, room string) {
		p.add(t, room, testkit.Typed(1, 0, "a"), []byte(`{"type": "doc"}`))
	}, []string{kindForeign}},
	{"an awareness update", func(t *testing.T, p *patient, room string) {
		p.add(t, room, testkit.Typed(1, 0, "a"), testkit.Present(7, 3, `{"user":{"name":"Ada"}}`))
	}, []string{kindForeign}},
	{"a message", func(t *testing.T, p *patient, room string) {
		p.add(t, room, testkit.Update(testkit.Typed(1, 0, "hello")))
	}, []string{kindForeign}},
	{"an empty entry", func(t *testing.T, p *patient, room string) {
		p.add(t, room, testkit.Typed(1, 0, "a"), nil)
	}, []string{kindForeign}},
	{"unknown content", func(t *testing.T, p *patient, room string) {
		p.add(t, room, []byte("\x01\x01\x01\x00\x0b\x01\x01t\x01a\x00"))
	}, []string{kindUnknown}},
	{"deletions ahead", func(t *testing.T, p *patient, room string) {
		p.add(t, room, []byte("\x00\x01\x09\x01\x03\x02"), testkit.Typed(1, 0, "a"))
	}, []string{kindAhead}},
	{"clash", func(t *testing.T, p *patient, room string) {
		p.add(t, room, testkit.Typed(1, 0, "hello"), testkit.Typed(1, 0, "hallo, world"))
	}, []string{kindClash}},
	{"annual\u202etxt.report", func(t *testing.T, p *patient, room string) {
		p.add(t, room, testkit.Typed(1, 0, "a"))
	}, []string{kindName}},
	{"long log", func(t *testing.T, p *patient, room string) {
		p.add(t, room, testkit.Typed(1, 0, "a"))
		rest := "WITH RECURSIVE n(n) AS (SELECT 2 UNION ALL SELECT n + 1 FROM n WHERE n < 4001) "
		p.exec(t, rest+"INSERT INTO updates (room_id, position, encoding, checksum, stored_at, written_by, data) "+
			"SELECT room_id, n, encoding, checksum, stored_at, written_by, data FROM updates CROSS JOIN n "+
			"WHERE room_id = (SELECT id FROM rooms WHERE name = ?1)", p.name(room))
		if strings.HasPrefix(p.url, "postgres") {
			p.exec(t, "UPDATE rooms SET next_position = 4002 WHERE name = ?1", p.name(room))
		}
	}, []string{kindDuplicate, kindLog}},
	{"deleted content", func(t *testing.T, p *patient, room string) {
		p.add(t, room, testkit.Typed(1, 0, strings.Repeat("gone ", 500_000)), []byte("\x00\x01\x01\x01\x00\xa0\xcb\x98\x01"))
	}, []string{kindDeleted}},
	{"tombstones", func(t *testing.T, p *patient, room string) {
		doc := yjs.New()
		text, err := doc.Text("text")
		if err != nil {
			t.Fatal(err)
		}
		update, err := doc.Transact(func() error { // in front, so that no two blocks can be joined
			for range manyRemains {
				err = errors.Join(err, text.Insert(0, "x", nil))
			}
			return errors.Join(err, text.Delete(0, manyRemains))
		})
		if err != nil {
			t.Fatal(err)
		}
		p.add(t, room, update)
	}, []string{kindRemains}},
	{"left over", func(t *testing.T, p *patient, room string) {
		p.add(t, room, testkit.Typed(1, 0, "a"))
		p.exec(t, "UPDATE rooms SET deleted_at = '2026-01-01 00:00:00.000' WHERE name = ?1", p.name(room))
	}, []string{kindLeft}},
	{"freeze", func(t *testing.T, p *patient, room string) { p.add(t, room, freezing()) }, []string{kindFreeze}},
	{"large", func(t *testing.T, p *patient, room string) {
		p.add(t, room, testkit.Typed(1, 0, strings.Repeat("x", largeDocument)))
	}, []string{kindLarge}},
	{"many clients", func(t *testing.T, p *patient, room string) { p.add(t, room, visited(manyClients)) }, []string{kindClients}},
}

// visited returns a document in which n clients have each set a key of a map.
func visited(n int) []byte {
	out := binary.AppendUvarint(nil, uint64(n))
	for client := uint64(n); client > 0; client-- {
		out = append(binary.AppendUvarint(append(out, 1), client), 0)
		set := blocks.Block{
			ID: blocks.ID{Client: client}, Len: 1, Kind: blocks.KindAny, Content: []byte{0x7e},
			Root: []byte("visits"), HasKey: true, Key: fmt.Append(nil, client),
		}
		out = set.AppendTo(out)
	}
	return append(out, 0)
}

// freezing returns a document that keeps clients busy: so many clients have each written a
// value at the start of a list, and yjs must integrate them in ascending order, in which it
// compares each with all before it.
func freezing() []byte {
	const n = 2500
	out := binary.AppendUvarint(nil, n)
	for client := uint64(n); client > 0; client-- {
		out = binary.AppendUvarint(append(out, 3), client)
		out = append(out, 0)
		value := func(b blocks.Block) {
			b.Client, b.Len, b.Kind, b.Content = client, 1, blocks.KindAny, []byte{0x7e}
			out = b.AppendTo(out)
		}
		first := blocks.Block{Root: []byte("order")}
		if client > 1 {
			first = blocks.Block{HasOrigin: true, Origin: blocks.ID{Client: client - 1, Clock: 2}}
		}
		value(first)
		value(blocks.Block{ID: blocks.ID{Clock: 1}, Root: []byte("list")})
		value(blocks.Block{ID: blocks.ID{Clock: 2}, HasOrigin: true, Origin: blocks.ID{Client: client}})
	}
	return append(out, 0)
}

// Each planted fault is found, and a fault in one room hides nothing of another.
func TestDoctorFindsPlantedFaults(t *testing.T) {
	t.Parallel()
	eachPatient(t, func(t *testing.T, p *patient) {
		want := map[string][]string{}
		for _, fault := range planted {
			fault.plant(t, p, fault.room)
			want[shownName(fault.room)] = fault.want
		}
		healthy(t, p, 20)
		p.add(t, "stray", testkit.Typed(1, 0, "a"))
		p.compact(t, "stray")
		p.add(t, "stray", testkit.Typed(2, 0, "b"))
		p.exec(t, "UPDATE snapshots SET room_id = 99999 WHERE room_id = (SELECT id FROM rooms WHERE name = ?1)", p.name("stray"))
		p.exec(t, "UPDATE updates SET room_id = 99999 WHERE room_id = (SELECT id FROM rooms WHERE name = ?1)", p.name("stray"))
		p.exec(t, "DELETE FROM rooms WHERE name = ?1", p.name("stray"))
		want[""] = []string{kindStray}

		got, totals, status := doctorJSON(t, p)
		if diff := cmp.Diff(want, got); diff != "" || status != exitFindings {
			t.Errorf("exit status %d, findings (-want +got):\n%s", status, diff)
		}
		if rooms := 20 + len(planted) - 1; totals.Rooms != rooms || totals.Affected != len(planted) {
			t.Errorf("%+v, want %d rooms, %d with findings", totals, rooms, len(planted))
		}

		if all := p.overview(t); all.Strays != 2 {
			t.Errorf("%d stray entries are counted, want the snapshot and the update after it", all.Strays)
		}

		// Rooms can be examined alone.
		for _, fault := range planted {
			if fault.want[0] == kindDamaged {
				alone, _, status := doctorJSON(t, p, fault.room)
				if diff := cmp.Diff(map[string][]string{fault.room: fault.want}, alone); diff != "" || status != exitFindings {
					t.Errorf("exit status %d, findings (-want +got):\n%s", status, diff)
				}
			}
		}
		if kinds, _, status := doctorJSON(t, p, "healthy 0001"); len(kinds) > 0 || status != 0 {
			t.Errorf("a healthy room: %v, exit status %d", kinds, status)
		}
		if _, _, status := doctorJSON(t, p, "nothing"); status != exitUnchecked {
			t.Errorf("a room that doesn't exist: exit status %d", status)
		}
	})
}

// A store of another version is not examined.
func TestDoctorAndOtherVersions(t *testing.T) {
	t.Parallel()
	eachPatient(t, func(t *testing.T, p *patient) {
		p.add(t, "a", testkit.Typed(1, 0, "a"))
		for version, want := range map[int]string{0: kindOlder, 99: kindNewer} {
			set := fmt.Sprintf("PRAGMA user_version = %d", version)
			if strings.HasPrefix(p.url, "postgres") {
				set = fmt.Sprintf("UPDATE yroom.version SET version = %d", version)
			}
			p.exec(t, set)
			got, _, status := doctorJSON(t, p)
			if diff := cmp.Diff(map[string][]string{"": {want}}, got); diff != "" || status != exitFindings {
				t.Errorf("version %d: exit status %d, findings (-want +got):\n%s", version, status, diff)
			}
		}
	})
}

// What takes space is removed if that is asked for, and documents stay the same.
func TestDoctorRepairs(t *testing.T) {
	t.Parallel()
	eachPatient(t, func(t *testing.T, p *patient) {
		first, second := typedTwice(1)
		p.add(t, "duplicate", first, second, first)
		gone := strings.Repeat("gone ", 300_000)
		p.add(t, "deleted", testkit.Typed(1, 0, gone+"kept"), []byte("\x00\x01\x01\x01\x00\xe0\xc6\x5b"))
		p.add(t, "incomplete", first, testkit.Typed(1, 11, "!"))
		healthy(t, p, 5)
		before := documents(t, p)

		kinds, totals, _ := doctorJSON(t, p, "--compact")
		want := map[string][]string{"duplicate": {kindDuplicate}, "deleted": {kindDeleted}, "incomplete": {kindPending}}
		if diff := cmp.Diff(want, kinds); diff != "" || totals.Repaired < 2 {
			t.Errorf("%d rooms were compacted, findings (-want +got):\n%s", totals.Repaired, diff)
		}
		delete(want, "duplicate")
		if kinds, _, _ = doctorJSON(t, p, "--purge-tombstones"); !cmp.Equal(want, kinds) {
			t.Errorf("after the compaction: %v, want %v", kinds, want)
		}
		delete(want, "deleted")
		if kinds, _, _ = doctorJSON(t, p); !cmp.Equal(want, kinds) {
			t.Errorf("at last: %v, want %v", kinds, want)
		}
		if diff := cmp.Diff(before, documents(t, p)); diff != "" {
			t.Errorf("documents (-before +after):\n%s", diff)
		}
		if log, err := p.Load(t.Context(), "incomplete"); err != nil || len(log.Entries) != 2 {
			t.Errorf("the incomplete room has %d entries (%v), want 2", len(log.Entries), err)
		}
	})
}

// documents returns what all rooms show.
func documents(t *testing.T, p *patient) map[string]string {
	t.Helper()
	rooms, err := p.List(t.Context(), "", "", 1000)
	if err != nil {
		t.Fatal(err)
	}
	shown := map[string]string{}
	for _, room := range rooms {
		log, err := p.Load(t.Context(), room.Room)
		if err != nil {
			t.Fatal(err)
		}
		doc := yjs.New()
		for _, e := range log.Entries {
			if err := doc.Apply(e.Data, yjs.Encoding(e.Encoding)); err != nil {
				t.Fatal(err)
			}
		}
		var value any
		text, err := doc.MarshalJSON()
		if err = errors.Join(err, json.Unmarshal(text, &value)); err != nil {
			t.Fatal(err)
		}
		shown[room.Room] = fmt.Sprint(value)
	}
	return shown
}
