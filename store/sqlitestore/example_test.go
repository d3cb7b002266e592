package sqlitestore_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	"github.com/yroom/yroom/store"
	"github.com/yroom/yroom/store/sqlitestore"
)

// Counters that a program would publish, with expvar for example.
func ExampleEvents() {
	dir, err := os.MkdirTemp("", "example")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)

	var commits, changes, failures atomic.Int64
	var slowest time.Duration // only the goroutine that writes uses it, until the store is closed
	documents, err := sqlitestore.Open(filepath.Join(dir, "yroom.db"), sqlitestore.Config{
		Events: sqlitestore.Events{
			Committed: func(c sqlitestore.Commit) {
				commits.Add(1)
				changes.Add(int64(c.Changes))
				slowest = max(slowest, c.Took)
			},
			Failed: func(string, error) { failures.Add(1) },
		},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	for range 3 {
		if _, err := documents.Append(context.Background(), "room", store.Entry{Encoding: store.V1, Data: []byte{0, 0}}); err != nil {
			fmt.Println(err)
		}
	}
	if err := documents.Close(); err != nil {
		fmt.Println(err)
	}
	fmt.Println(commits.Load(), "commits,", changes.Load(), "changes,", failures.Load(), "failures, slow:", slowest > time.Minute)
	// Output: 3 commits, 3 changes, 0 failures, slow: false
}
