package postgres_test

import (
	"context"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/yroom/yroom/internal/testkit"
	"github.com/yroom/yroom/internal/testkit/postgres"
)

// What a server has committed is there after each way to end it, and a pooler shows the
// same databases.
func TestServer(t *testing.T) {
	server := postgres.Start(t)
	pooler := server.Pool(t, 2)
	database := server.Create(t)
	run := func(url, sql string) (n int, err error) {
		ctx, cancel := context.WithTimeout(t.Context(), testkit.Patience)
		defer cancel()
		conn, err := pgx.Connect(ctx, url)
		if err != nil {
			return 0, err
		}
		defer conn.Close(ctx)
		err = conn.QueryRow(ctx, sql, pgx.QueryExecModeSimpleProtocol).Scan(&n)
		return n, err
	}
	for _, sql := range []string{"CREATE TABLE numbers (n bigint)", "INSERT INTO numbers VALUES (0)"} {
		conn, err := pgx.Connect(t.Context(), server.URL(database))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := conn.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
		conn.Close(t.Context())
	}
	const add = "UPDATE numbers SET n = n + 1 RETURNING n"
	for i, end := range []func(testing.TB){server.Stop, server.Crash} {
		if n, err := run(server.URL(database), add); n != 2*i+1 || err != nil {
			t.Errorf("direct: %d, %v, want %d", n, err, 2*i+1)
		}
		if n, err := run(pooler.URL(database), add); n != 2*i+2 || err != nil {
			t.Errorf("through the pooler: %d, %v, want %d", n, err, 2*i+2)
		}
		end(t)
		if _, err := run(server.URL(database), add); err == nil {
			t.Error("the server answers after its end")
		}
		server.Restart(t)
	}
	server.Pause(t)
	ctx, cancel := context.WithTimeout(t.Context(), testkit.Patience/40)
	defer cancel()
	if _, err := pgx.Connect(ctx, server.URL(database)); err == nil {
		t.Error("the server answers while it is paused")
	}
	server.Resume(t)
	if n, err := run(server.URL(database), add); n != 5 || err != nil {
		t.Errorf("after a pause: %d, %v, want 5", n, err)
	}
}
