package pgstore_test

import (
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/yroom/yroom/internal/testkit/postgres"
	"github.com/yroom/yroom/store"
	"github.com/yroom/yroom/store/pgstore"
)

// Several processes can create the schema at once.
func TestOpenAtOnce(t *testing.T) {
	for _, w := range ways(t) {
		t.Run(w.name, func(t *testing.T) {
			exec(t, w.url, "DROP SCHEMA yroom CASCADE")
			stores := make([]*pgstore.Store, 10)
			var opening sync.WaitGroup
			for i := range stores {
				opening.Go(func() {
					var err error
					if stores[i], err = pgstore.Open(t.Context(), w.url, pgstore.Config{}); err != nil {
						t.Errorf("Open: %v", err)
					}
				})
			}
			opening.Wait()
			for i, s := range stores {
				if s == nil {
					continue
				}
				if p, err := s.Append(t.Context(), "room", v1("a")); err != nil || p != store.Position(i+1) {
					t.Errorf("store %d: position %d, %v, want %d", i, p, err, i+1)
				}
				if err := s.Close(); err != nil {
					t.Error(err)
				}
			}
		})
	}
}

// Errors say what an operator can do, and never show the password.
func TestOpenRefuses(t *testing.T) {
	server := postgres.Start(t)
	database := server.Create(t)
	right := server.URL(database)
	server.Exec(t, "CREATE DATABASE latin ENCODING 'LATIN1' TEMPLATE template0")
	server.Exec(t, "CREATE ROLE guest LOGIN PASSWORD 'gu3st'")
	server.Exec(t, "CREATE DATABASE readonly")
	server.Exec(t, "ALTER DATABASE readonly SET default_transaction_read_only = on")
	newer := server.Create(t)
	open(t, server.URL(newer), pgstore.Config{})
	exec(t, server.URL(newer), "UPDATE yroom.version SET version = 99")
	as := func(user, password, host, database string) string {
		at, err := url.Parse(right)
		if err != nil {
			t.Fatal(err)
		}
		if host == "" {
			host = at.Host
		}
		return "postgres://" + user + ":" + password + "@" + host + "/" + database
	}
	const unreadable = "the address of the database can't be read: write it as postgres://USER:PASSWORD@HOST:PORT/DATABASE"
	for _, test := range []struct{ name, url, want string }{
		{"wrong password", as(postgres.User, "s3cret", "", database), "it refuses the user or the password"},
		{"no such user", as("stranger", "s3cret", "", database), "it refuses the user or the password"},
		{"no such database", as(postgres.User, postgres.Password, "", "missing"), "there is no such database: create it"},
		{"no privilege", as("guest", "gu3st", "", database), "GRANT CREATE ON DATABASE"},
		{"no server", as("user", "s3cret", "127.0.0.1:1", "database"), "it can't be reached: check that it runs"},
		{"no such host", as("user", "s3cret", "nowhere.invalid", "database"), "it can't be reached: check that it runs"},
		{"a standby", server.URL("readonly"), "name the primary"},
		{"another encoding", server.URL("latin"), "the encoding of the database is LATIN1: create a database with ENCODING 'UTF8'"},
		{"a newer schema", server.URL(newer), "version 99"},
		{"a slash in the password", as("user", "12/s3cret", "", database), unreadable},
		{"a number sign in the password", as("user", "12#s3cret", "", database), unreadable},
		{"a question mark in the password", as("user", "12?s3cret", "", database), unreadable},
		{"a percent sign in the password", as("user", "12%s3cret", "", database), unreadable},
		{"a bad parameter", right + "&pool_max_conns=s3cret", unreadable},
		{"a missing file", right + "&sslmode=verify-full&sslrootcert=missing.pem", "open missing.pem: no such file"},
		{"no URL", "host=127.0.0.1 password=s3cret port=x", unreadable},
	} {
		t.Run(test.name, func(t *testing.T) {
			s, err := pgstore.Open(t.Context(), test.url, pgstore.Config{})
			if err == nil {
				s.Close()
				t.Fatal("the store was opened")
			}
			if !strings.Contains(err.Error(), test.want) {
				t.Errorf("the error is %v, want %q in it", err, test.want)
			}
			for _, secret := range []string{"s3cret", "gu3st", postgres.Password} {
				if strings.Contains(err.Error(), secret) {
					t.Errorf("the error shows the password: %v", err)
				}
			}
		})
	}
	// If the schema exists, a user needs only privileges for its tables.
	open(t, right, pgstore.Config{})
	exec(t, right, "GRANT USAGE ON SCHEMA yroom TO guest; GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA yroom TO guest")
	s := open(t, as("guest", "gu3st", "", database), pgstore.Config{})
	if _, err := s.Append(t.Context(), "room", v1("a")); err != nil {
		t.Error(err)
	}
}

// setForAll changes a setting of the database, for sessions that begin later.
func setForAll(t *testing.T, url, setting, value string) {
	t.Helper()
	name := query[string](t, url, "SELECT quote_ident(current_database())")
	exec(t, url, "ALTER DATABASE "+name+" SET "+setting+" = '"+value+"'")
}

// Each level commits as it promises. A batch commits at the strictest of its levels.
func TestLevels(t *testing.T) {
	server := postgres.Start(t)
	url := server.URL(server.Create(t))
	levels := func(room string) store.Durability {
		return map[string]store.Durability{"none": store.DurabilityNone, "commit": store.DurabilityCommit}[room]
	}
	open(t, url, pgstore.Config{})
	exec(t, url, `
CREATE TABLE commits (room bytea, level text);
CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  INSERT INTO commits SELECT name, current_setting('synchronous_commit') FROM yroom.rooms WHERE id = NEW.room_id;
  RETURN NEW;
END $$;
CREATE TRIGGER note BEFORE INSERT ON yroom.entries FOR EACH ROW EXECUTE FUNCTION note();
CREATE TRIGGER note BEFORE INSERT ON yroom.snapshots FOR EACH ROW EXECUTE FUNCTION note()`)
	for server, want := range map[string]string{"on": "on", "off": "on", "local": "local", "remote_apply": "remote_apply"} {
		exec(t, url, "DELETE FROM commits; DELETE FROM yroom.rooms")
		setForAll(t, url, "synchronous_commit", server)
		s, err := pgstore.Open(t.Context(), url, pgstore.Config{Durability: levels})
		if err != nil {
			t.Fatal(err)
		}
		for _, room := range []string{"fsync", "commit", "none"} {
			if _, err := s.Create(t.Context(), room, v1("a")); err != nil {
				t.Fatal(err)
			}
			if _, err := s.Append(t.Context(), room, v1("b")); err != nil {
				t.Fatal(err)
			}
			l, err := s.Load(t.Context(), room)
			if err != nil {
				t.Fatal(err)
			}
			if err := s.Compact(t.Context(), room, l, v1("ab")); err != nil {
				t.Fatal(err)
			}
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		got := query[string](t, url, "SELECT string_agg(DISTINCT convert_from(room, 'UTF8') || ' ' || level, ', ') FROM commits")
		if want := "commit off, fsync " + want + ", none off"; got != want {
			t.Errorf("with synchronous_commit = %s at the server: %q, want %q", server, got, want)
		}
		if n := query[int](t, url, "SELECT count(*) FROM commits"); n != 9 {
			t.Errorf("%d entries, want 9", n)
		}
	}
}

// The store doesn't change the state of a pooler's sessions.
func TestSessionState(t *testing.T) {
	server := postgres.Start(t)
	url := server.Pool(t, 1).URL(server.Create(t))
	s := open(t, url, at(store.DurabilityCommit))
	for range 3 {
		if _, err := s.Append(t.Context(), "room", v1("a")); err != nil {
			t.Fatal(err)
		}
		l, err := s.Load(t.Context(), "room")
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Compact(t.Context(), "room", l, v1("a")); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Delete(t.Context(), "room"); err != nil {
		t.Fatal(err)
	}
	for _, sql := range []string{
		"SELECT count(*) FROM pg_prepared_statements WHERE name <> ''",
		"SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'",
		"SELECT count(*) FROM pg_settings WHERE name IN ('synchronous_commit', 'statement_timeout', 'lock_timeout') AND setting <> reset_val",
		"SELECT count(*) FROM pg_listening_channels()",
	} {
		if n := query[int](t, url, sql); n != 0 {
			t.Errorf("%s: %d, want 0", sql, n)
		}
	}
}

// The view for operators shows each room.
func TestRoomSizes(t *testing.T) {
	server := postgres.Start(t)
	url := server.URL(server.Create(t))
	s := open(t, url, pgstore.Config{})
	for _, data := range []string{"a", "bcd"} {
		if _, err := s.Append(t.Context(), "Zoë", v1(data)); err != nil {
			t.Fatal(err)
		}
	}
	got := query[string](t, url, "SELECT name || ' ' || entries || ' ' || bytes || ' ' || (changed_at > created_at) FROM yroom.room_sizes")
	if got != "Zoë 2 4 true" {
		t.Errorf("the view shows %q", got)
	}
}
