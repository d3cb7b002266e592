package postgres

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/yroom/yroom/internal/testkit"
)

// Pooler is a PgBouncer in front of a Server. It pools transactions: each transaction
// of a client may use another connection to the server.
type Pooler struct{ port int }

// Pool runs a pooler in front of the server until the end of the test. It opens at most
// size connections to each database.
func (s *Server) Pool(t testing.TB, size int) *Pooler {
	t.Helper()
	bouncer := "/usr/sbin/pgbouncer" // the PATH of a user other than root may lack the folder
	if _, err := os.Stat(bouncer); err != nil {
		bouncer = testkit.Program(t, "pgbouncer", "apt-get install pgbouncer")
	}
	p := &Pooler{port: freePort(t)}
	dir := folder(t)
	users, settings := filepath.Join(dir, "users.txt"), filepath.Join(dir, "pgbouncer.ini")
	write(t, users, fmt.Sprintf("%q %q\n", User, Password))
	write(t, settings, fmt.Sprintf(`[databases]
* = host=127.0.0.1 port=%d

[pgbouncer]
listen_addr = 127.0.0.1
listen_port = %d
unix_socket_dir =
auth_type = scram-sha-256
auth_file = %s
pool_mode = transaction
max_client_conn = 1000
default_pool_size = %d
server_idle_timeout = 2
`, s.port, p.port, users, size))
	process := launch(t, bouncer, settings)
	t.Cleanup(func() { process.finish(t) })
	testkit.Eventually(t, "PgBouncer accepts connections", func() string {
		select {
		case <-process.ended:
			t.Fatalf("PgBouncer has ended:\n%s", tail(process.log.Bytes()))
		default:
		}
		ctx, cancel := context.WithTimeout(context.Background(), testkit.Patience)
		defer cancel()
		conn, err := pgx.Connect(ctx, p.URL("postgres"))
		if err != nil {
			time.Sleep(10 * time.Millisecond)
			return err.Error()
		}
		_ = conn.Close(ctx)
		return ""
	})
	return p
}

// URL returns the address of a database through the pooler.
func (p *Pooler) URL(database string) string { return address(p.port, database) }
